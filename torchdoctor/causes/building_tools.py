"""Building compiled extensions: ninja, Python's headers, and what only follows from a compiler's error."""

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_ECHOES = ("ninja-build-failed", "pip-build-failed", "deepspeed-adam-del-attributeerror")

CAUSES = (
    Cause(
        slug="ninja-missing",
        title="ninja is not installed or not on PATH",
        why="torch builds JIT extensions with the program ninja. The Python package brings it, but only the environment's bin folder has "
        "it, which must be on PATH.",
        refines=("module-not-installed",),
        signs=(
            Sign(
                r"\bninja\W{1,4}(?:未找到命令|找不到命令|command introuvable|commande introuvable|Befehl nicht gefunden|Kommando nicht gefunden|orden no encontrada|no se encontró la orden|comando non trovato|comando não encontrado|команда не найдена|コマンドが見つかりません|不是内部或外部命令|不是內部或外部命令)"
            ),
            Sign(r"due to ninja not being installed"),
            Sign(r"Command .{0,4}ninja.{0,6}--version.{0,12} (?:returned non-zero|died)", FAIR),
            Sign(r"Ninja is required to load C\+\+ extensions"),
            Sign(r"Unable to find a suitable ninja binary", FAIR),
            Sign(r"No such file or directory: 'ninja'"),
            Sign(r"ninja: (?:command )?not found"),
            Sign(r"Command '\['ninja', '--version'\]' returned non-zero"),
            Sign(r"Could not find ninja executable", FAIR),
            Sign(r"verify_ninja_availability", WEAK),
            ends_in("torch/utils/cpp_extension.py", "verify_ninja_availability"),
            Sign(r"No module named 'ninja'"),
            Sign(r"ninja'? is not recognized"),
            Sign(r"build program corresponding to .{0,3}Ninja"),
            Sign(r"we could not find ninja", WEAK),
            Sign(r"(?:unable to|could not|cannot|failed to) find (?:the )?ninja\b", FAIR),
            Sign(r"Permission denied: '\S{0,120}ninja'", FAIR),
            Sign(r"ninja (?:is )?not installed\b", FAIR, unless=(r"WARNING",)),
        ),
        explains=_ECHOES,
        fixes=(
            Fix("Install ninja in the environment that runs.", ("python -m pip install ninja", "ninja --version")),
            Fix(
                "If it is installed, put the environment's bin (Scripts) folder on PATH: activate the environment instead of calling its "
                "python by path.",
                ('export PATH="$(dirname $(which python)):$PATH"',),
            ),
        ),
        decide="which ninja; python -m pip show ninja",
        examples=(
            "bash: ninja: 未找到命令",
            "RuntimeError: Unable to JIT load the transformer_inference op due to ninja not being installed.",
            "ModuleNotFoundError: No module named 'ninja'",
            'CMake Error: CMake was unable to find a build program corresponding to "Ninja".  CMAKE_MAKE_PROGRAM is not set.  You probably need to select a different build tool.',
            "RuntimeError: Ninja is required to load C++ extensions",
        ),
        counterexamples=(
            "UserWarning: Attempted to use ninja as the BuildExtension backend but we could not find ninja.. Falling back to using the slow distutils backend.\nSuccessfully installed ops-0.1",
            "ninja: no work to do.",
        ),
    ),
    Cause(
        slug="python-headers-missing",
        title="Python.h is missing: the Python development headers are not installed",
        why="Compiling an extension (or Triton's launcher at run time) needs the headers of the running Python. Distributions put them "
        "into a separate package.",
        signs=(
            Sign(r"#include <Python\.h> {0,20}\|? {0,60}\^~", FAIR),
            Sign(r"Python (?:development )?headers (?:are |were |is )?(?:not |missing)", FAIR),
            Sign(r"Python\.h: No such file or directory"),
            Sign(r"'Python\.h' file not found"),
            Sign(r"Cannot open include file: 'Python\.h'"),
            Sign(r"pyconfig\.h: No such file or directory"),
            Sign(r"cannot open file 'python\d+\.lib'"),
            Sign(r"runtime[\\/]{1,4}tcc[\\/]{1,4}tcc\.exe", FAIR, also=(r"returned non-zero exit status",)),
            Sign(r"fatal error: .?Python\.h\b"),
            Sign(r"include file 'Python\.h' not found"),
            Sign(r"(?:致命|错误).{0,4}Python\.h"),
            Sign(r"Could NOT find Python3? \(missing: .{0,120}(?:Development|INCLUDE_DIR)"),
            Sign(r"cannot find -lpython3"),
            Sign(r"Python\.h: No existe"),
        ),
        explains=(*_ECHOES, "torch-compile-cpp-error"),
        refines=("torch-compile-cpp-error",),
        fixes=(
            Fix(
                "Install the development headers of this Python (python3-dev, pythonX.Y-dev; python3-devel on Fedora and RHEL), which "
                "contain Python.h.",
                ("sudo apt install python3-dev", "python3 --version"),
            ),
            Fix(
                "Or use a Python that ships its headers (conda, uv's or python.org's); an embedded Windows Python needs the include and "
                "libs folders of the full installer copied into it.",
                ("uv venv --python 3.12",),
            ),
        ),
        examples=(
            "CMake Error: Could NOT find Python (missing: Python_INCLUDE_DIRS Python_LIBRARIES Development Development.Module Development.Embed)",
            "pybind11/detail/common.h:266:10: fatal error: Python.h: Datei oder Verzeichnis nicht gefunden",
            "/tmp/tmp1_x/main.c:5:10: fatal error: Python.h: No such file or directory\n    5 | #include <Python.h>",
        ),
        counterexamples=("python.html: No such file or directory",),
    ),
    Cause(
        slug="ninja-build-failed",
        title="ninja stopped because a compiler command failed; the first compiler error above it is the reason",
        why="torch hands the extension's build to ninja, which only reports that some command ended with an error.",
        signs=(
            Sign(r"ninja: error: ", FAIR),
            Sign(r"ninja: build stopped: subcommand failed", FAIR),
            Sign(r"Command '\['ninja', .{0,60}\]' returned non-zero exit status", FAIR),
            Sign(r"RuntimeError: Error (?:building extension|compiling objects for extension)", FAIR),
            Sign(r"Error building extension '(?P<extension>\w+)'", FAIR),
            Sign(r"torch_extensions/[\w./-]{1,120}\.so: cannot open shared object file", FAIR),
            Sign(r"No module named '(?:fused_adam|cpu_adam|fused_lamb|cpu_adagrad|async_io|transformer_inference|quantizer)'", FAIR),
            Sign(r"error: command '\S{0,80}(?:nvcc|gcc|g\+\+|cl\.exe|ninja)\S{0,8}' failed with exit (?:status|code)", FAIR),
            Sign(r"collect2: error: ld returned 1 exit status", WEAK),
            ends_in("torch/utils/cpp_extension.py", "_run_ninja_build"),
            Sign(r"FAILED: \S{1,200}\.o(?:bj)?\b", FAIR),
            Sign(r"errors? detected in the compilation of", FAIR),
            Sign(r"loading 'build\.ninja'", FAIR),
            Sign(r"ninja: build stopped", FAIR),
        ),
        consequence=True,
        fixes=(
            Fix(
                "Read the first error of the compiler (search for 'error:' or 'fatal' from the top): that is the cause. Build verbosely "
                "and with one job, so that the lines do not mix.",
                ("export MAX_JOBS=1", "rm -rf ~/.cache/torch_extensions"),
            ),
            Fix(
                "If the compiler was killed, memory was short: lower MAX_JOBS. Else check that nvcc, gcc and torch's CUDA fit each other.",
                ("nvcc --version", "gcc --version", 'python -c "import torch; print(torch.__version__, torch.version.cuda)"'),
            ),
        ),
        examples=(
            "FAILED: cpu_adam_impl.o",
            "RuntimeError: Error building extension 'cpu_adam'",
        ),
        counterexamples=("ninja: no work to do.",),
    ),
    Cause(
        slug="deepspeed-adam-del-attributeerror",
        title="DeepSpeedCPUAdam's clean-up failed, because its op could not be built",
        why="The constructor failed while compiling the op, so the object has no ds_opt_adam when Python deletes it. The error above it "
        "is the real one.",
        signs=(
            Sign(r"<function DeepSpeedCPU\w{1,20}\.__del__", FAIR),
            ends_in("deepspeed/ops/adam/cpu_adam.py", "__del__"),
            Sign(r"'DeepSpeedCPU\w+' object has no attribute 'ds_opt_\w+'", FAIR),
        ),
        consequence=True,
        fixes=(
            Fix(
                "Fix the op build error above it: ds_report tells what is missing (nvcc, CUDA_HOME, matching CUDA version, ninja, "
                "Python.h).",
                ("python -m deepspeed.env_report",),
            ),
            Fix("Or use the optimizer of torch instead of the CPU offload one."),
        ),
        examples=(
            'Exception ignored in: <function DeepSpeedCPUAdam.__del__ at 0x7f7d4c1c9d30>\nTraceback (most recent call last):\n  File "/srv/v/lib/python3.9/site-packages/deepspeed/ops/adam/cpu_adam.py", line 102, in __del__\n    self.ds_opt_adam.destroy_adam(self.opt_id)',
            "AttributeError: 'DeepSpeedCPUAdam' object has no attribute 'ds_opt_adam'",
        ),
        counterexamples=("AttributeError: 'Trainer' object has no attribute 'opt'",),
    ),
)
