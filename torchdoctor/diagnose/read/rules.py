"""The forms of failure that are no traceback, most telling first: the first rule that fits a line names it."""

from __future__ import annotations

from dataclasses import dataclass

from torchdoctor.diagnose.log import EventKind
from torchdoctor.diagnose.read.lazy import Lazy


@dataclass(frozen=True)
class Rule:
    """One form of failure. Group ``what`` of the pattern names the type, ``code`` an exit code, ``rank`` a rank."""

    kind: EventKind
    type: str
    pattern: Lazy
    via: str = ""


WORDS = (
    "error",
    "fail",
    "fault",
    "kill",
    "abort",
    "fatal",
    "xid",
    "oom",
    "exit",
    "terminate called",
    "signal",
    "bus error",
    "illegal instruction",
    "exception",
    "out of memory",
    "what():",
    "cannot",
    "could not",
    "no space",
    "no such",
    "not found",
    "undefined symbol",
    "assert",
    "unsatisfi",
    "interrupt",
    "fallen off",
    "invalid",
    "timed out",
    "timeout",
    "unable",
    "stopiteration",
    "no solution",
    "could not select",
    "nvidia-container",
    "not a supported",
    "but you have",
    "not compatible",
    "_status_",
    "program hit",
    "is lost",
    "hip",
    "nvidia-smi",
    "empty",
)
SIG = r"(?P<what>SIG(?:KILL|SEGV|ABRT|BUS|TERM|FPE|ILL|INT|HUP|PIPE|USR\d))"
RULES = (
    Rule("exit", "exit", Lazy(r"\(exitcode: ?(?P<code>-?\d{1,10})\) (?:local_rank: ?(?P<rank>\d{1,6}))?", "(exitcode"), "summary"),
    Rule("exit", "exit", Lazy(r"^\s*exitcode\s{1,4}: (?P<code>-?\d{1,10})\s{1,2}\(pid: ?\d{1,10}\)", "exitcode"), "summary"),
    Rule("exit", "exit", Lazy(r"exits? with return code = (?P<code>-?\d{1,10})", "return code ="), "summary"),
    Rule("signal", "", Lazy(rf"Signal (?P<code>\d{{1,3}}) \({SIG}\) received by PID", "received by PID"), "summary"),
    Rule("exit", "oom", Lazy(r"(?:srun|slurmstepd): error: .{0,300}(?P<what>oom[_-]kill|Out Of Memory)", "error:"), "summary"),
    Rule(
        "exit",
        "exit",
        Lazy(
            r"(?:srun|slurmstepd): error: \S{1,100} tasks? (?P<rank>\d{1,6})?[^:\n]{0,200}: (?:Exited with exit code "
            r"(?P<code>\d{1,5})|\S.{0,100})",
            "error:",
        ),
        "summary",
    ),
    Rule("exit", "slurm", Lazy(r"(?:srun|slurmstepd): error: \S", "error:"), "summary"),
    Rule(
        "exit",
        "exit",
        Lazy(r"process rank (?P<rank>\d{1,6}) with PID \d{1,10}.{0,200} exited on signal (?P<code>\d{1,3})", "exited on signal"),
        "summary",
    ),
    Rule(
        "exit",
        "exit",
        Lazy(r"BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES|EXIT CODE: (?P<code>\d{1,5})", "BAD TERM", "EXIT CODE: "),
        "summary",
    ),
    Rule("exit", "exit", Lazy(r"[Pp]rocess finished with exit code (?P<code>-?(?!0\b)\d{1,10})", "finished with exit code"), "summary"),
    Rule(
        "exit",
        "exit",
        Lazy(
            r"(?:exit(?:ed with)?(?: status| code)?|terminated with exit code|Exit Code):? "
            r"{1,20}(?P<code>-?(?!0\b)\d{1,10})\b",
            "xit",
        ),
        "summary",
    ),
    Rule("exit", "OOMKilled", Lazy(r"\bOOMKilled\b", "OOMKilled"), "summary"),
    Rule(
        "kernel",
        "xid",
        Lazy(r"NVRM: Xid|NVRM: .{0,200}(?:fallen off|failed|API mismatch|not supported)|fallen off the bus", "NVRM", "fallen off"),
    ),
    Rule(
        "kernel",
        "oom-killer",
        Lazy(r"invoked oom-killer|oom-kill:|[Oo]ut of memory: Kill(?:ed)? process|Killed process \d{1,10} \(", "oom-kill", "Kill"),
    ),
    Rule(
        "kernel",
        "segfault",
        Lazy(r"\]: segfault at |\] general protection|traps: \S{1,64}\[\d{1,10}\]", "segfault at", "general protection", "traps: "),
    ),
    Rule(
        "kernel",
        "hardware",
        Lazy(
            r"AER: .{0,100}(?:Fatal|Uncorrect)|\bmce: .{0,100}Hardware Error|amdgpu.{0,200}(?:page fault|GPU reset"
            r"|ring .{0,40}timeout)",
            "AER",
            "mce",
            "amdgpu",
        ),
    ),
    Rule(
        "fatal",
        "terminate",
        Lazy(
            r"terminate called (?:after throwing an instance of '?(?P<what>[\w:<>, ]{1,200})|without an active "
            r"exception)",
            "terminate called",
        ),
    ),
    Rule(
        "signal",
        "SIGSEGV",
        Lazy(r"\b[Ss]egmentation fault\b|\b[Ss]egfault encountered|\bsegmentation violation\b", "egmentation", "egfault"),
    ),
    Rule("signal", "SIGBUS", Lazy(r"(?:^|[\s:])[Bb]us error\b", "us error")),
    Rule("signal", "SIGABRT", Lazy(r"(?:^|\s)(?:Aborted|Abort trap: 6)\s*(?:\(core dumped\))?(?:\s|$)", "Abort")),
    Rule("signal", "SIGILL", Lazy(r"(?:^|[\s:])Illegal instruction\b", "Illegal instruction")),
    Rule("signal", "SIGFPE", Lazy(r"(?:^|[\s:])Floating point exception\b", "Floating point exception")),
    Rule(
        "signal", "SIGKILL", Lazy(r"(?:^|\d\s|:\s)Killed(?:: 9)?\s*(?:$|\s(?:python|torchrun|accelerate|deepspeed|\S{0,80}/|\())", "Killed")
    ),
    Rule("signal", "", Lazy(rf"(?:died with <Signals\.|received signal |\*\*\* |Received |\bsignal:? ?\(?){SIG}", "SIG")),
    Rule(
        "signal",
        "signal",
        Lazy(r"killed by signal[: ]|\*\*\* Process received signal|Signal: [A-Z]\w{1,20}(?: \w{1,20})? \(\d{1,3}\)", "ignal"),
    ),
    Rule("error", "native", Lazy(r"\[[EF]\d{0,4} ?[^\]\n]{0,80}\.(?:cpp|cc|cu|h|hpp):\d{1,6}\]", ".cpp:", ".cc:", ".cu:", ".h:", ".hpp:")),
    Rule("error", "glog", Lazy(r"^\[?[EF]\d{3,4} \d\d:\d\d:\d\d\.\d{3,9}\s{1,4}\S.{0,300}\] \S", "] ")),
    Rule(
        "error",
        "assert",
        Lazy(
            r"Assertion [`'\"].{1,400}[`'\"]? failed|failed assertion|: Assertion .{1,300} failed|device-side assert", "ssertion", "assert"
        ),
    ),
    Rule(
        "error",
        "nccl",
        Lazy(
            r"NCCL WARN .{0,300}\b(?:[Ff]ail\w{0,4}|[Ee]rror|mismatch|[Nn]o such|Duplicate|closed|timed? ?out"
            r"|insufficient)\b",
            "NCCL WARN",
        ),
    ),
    Rule(
        "error",
        "cuda",
        Lazy(
            r"\b(?:CUDA|Cuda|cuda|HIP|hip|NCCL|cuDNN|cuBLAS|CUBLAS|MPS|XPU) ?(?:runtime |driver )?(?:[Ee]rror"
            r"|failure)\b[:' ]",
            "CUDA ",
            "Cuda ",
            "cuda ",
            "HIP ",
            "hip ",
            "NCCL ",
            "cuDNN ",
            "cuBLAS",
            "CUBLAS",
            "MPS ",
            "XPU ",
            "CUDAe",
            "CUDAE",
        ),
    ),
    Rule(
        "error",
        "nvml",
        Lazy(
            r"Failed to initialize NVML|NVIDIA-SMI has failed|NVML: .{0,100}mismatch|No devices were found",
            "NVML",
            "NVIDIA-SMI",
            "No devices",
        ),
    ),
    Rule(
        "error",
        "symbol",
        Lazy(
            r"undefined symbol: ?\S|symbol lookup error|cannot open shared object file|version `\S{1,80}' not found"
            r"|Symbol not found:|Library not loaded:",
            "symbol",
            "shared object",
            "version `",
            "Symbol",
            "Library not",
        ),
    ),
    Rule("error", "pip", Lazy(r"^\s*ERROR: (?!\d+ error)\S|^\s{0,4}error: \S|^\s*× \S", "ERROR: ", "error: ", "× ")),
    Rule(
        "error",
        "compiler",
        Lazy(
            r"\S{1,300}(?::\d{1,7}(?::\d{1,6})?:|\(\d{1,7}\):) (?:fatal )?error\b|nvcc fatal|^\s*(?:clang|gcc|g\+\+|cl"
            r"|collect2|ld|/usr/bin/ld)[:.] ?\S{0,40} ?(?:error|cannot find)|LINK : fatal|fatal error [A-Z]{1,4}\d{2,6}"
            r"|ld(?:\.\w{2,5})?: cannot find|CMake Error",
            ": error",
            " error:",
            "error ",
            "fatal error",
            "Error at",
            "nvcc fatal",
            "cannot find",
            "LINK :",
        ),
    ),
    Rule(
        "error",
        "build",
        Lazy(r"^\s*(?:FAILED: \S|ninja: (?:build stopped|error)|make(?:\[\d{1,3}\])?: \*\*\* )", "FAILED: ", "ninja: ", "make"),
    ),
    Rule("error", "argparse", Lazy(r"^\S{1,200}: error: \S", ": error: ")),
    Rule(
        "error",
        "shell",
        Lazy(
            r"(?:command not found|No such file or directory|Permission denied|No space left on device)\s*$|is not "
            r"recognized as an internal or external command",
            "not found",
            "No such file",
            "Permission denied",
            "No space",
            "not recognized",
        ),
    ),
    Rule(
        "error",
        "loader",
        Lazy(
            r"Could not load library|Unable to load|OMP: Error #\d|Intel MKL FATAL ERROR|libgomp: .{0,100}|^Error: \S"
            r"|torch\.cuda\.is_available\(\).{0,20}False",
            "Could not load",
            "Unable to load",
            "OMP: Error",
            "MKL FATAL",
            "libgomp: ",
            "Error: ",
            "False",
        ),
    ),
    Rule(
        "error",
        "container",
        Lazy(
            r"docker: Error response from daemon|nvidia-container-cli: |could not select device driver",
            "docker: ",
            "nvidia-container",
            "could not select",
        ),
    ),
    Rule(
        "error",
        "wheel",
        Lazy(
            r"is not a supported wheel on this platform|requires torch\S{0,40}, but you have|is not compatible with "
            r"the current PyTorch installation",
            "supported wheel",
            "but you have",
            "current PyTorch",
        ),
    ),
    Rule(
        "error",
        "cuda",
        Lazy(
            r"THCudaCheck FAIL|\bbackend out of memory\b|\bCUDA out of memory\b|UR_RESULT_ERROR|PI_ERROR|Native API "
            r"failed|=========\s{1,8}(?:Invalid|Program hit)|hip(?:Error[A-Z]\w{3,40})|cudaError[A-Z]\w{3,40}"
            r"|CUBLAS_STATUS_(?!SUCCESS)|CUDNN_STATUS_(?!SUCCESS)|GPU is lost",
            "THC",
            "out of memory",
            "_ERROR",
            "Native API",
            "=====",
            "hipError",
            "cudaError",
            "_STATUS_",
            "GPU is lost",
        ),
    ),
    Rule(
        "error",
        "conda",
        Lazy(
            r"PackagesNotFoundError|LibMambaUnsatisfiableError|ResolutionImpossible|UnsatisfiableError|No solution "
            r"found when resolving|SolverProblemError",
            "Error",
            "Resolution",
            "No solution",
        ),
    ),
)
