"""torch.compile: Dynamo and Inductor."""

from torchdoctor.api import FAIR, STRONG, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

INSTALL_MSVC = (
    "winget install Microsoft.VisualStudio.2022.BuildTools "
    '--override "--wait --passive --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"'
)
"""With the workload named: the package alone installs no compiler."""

NO_COMPILE = Fix(
    do="Or run without compilation: remove torch.compile, or set TORCH_COMPILE_DISABLE=1.",
    commands=("export TORCH_COMPILE_DISABLE=1",),
)

CPP = Cause(
    slug="torch-compile-cpp-error",
    title="The C++ compiler failed on the code that torch.compile (Inductor) generated",
    why="Inductor writes C++ and has it compiled on this machine. The compiler is missing, too old or of another kind than expected, or "
    "it lacks "
    "headers or OpenMP; its own first error stands below the command line.",
    signs=(
        Sign(r"CppCompileError"),
        Sign(r"C\+\+ compile error Command:"),
        Sign(r"CalledProcessError.{0,400}torchinductor_\w+", FAIR),
        Sign(r"Compiler: cl is not found", STRONG),
        Sign(r"Failed to find C\+\+ compiler", FAIR),
        Sign(r"InvalidCxxCompiler"),
        Sign(r"No working C\+\+ compiler found in torch\._inductor"),
        Sign(r"unresolved external symbol .{0,40}(?:aoti_torch|kernel\$omp)"),
        Sign(r"undefined (?:reference|symbol).{0,10}\baoti_torch_\w+", FAIR),
        Sign(r"OpenMP support not found\. Please try one of the following"),
        Sign(r"error LNK\d{4}", FAIR, also=(r"_inductor[/\\]|torchinductor_",)),
        Sign(r"(?:fatal )?error C\d{4}:", FAIR, also=(r"_inductor[/\\]|torchinductor_",)),
        Sign(r"torchinductor_\w+[/\\].{1,120}\.(?:cpp|h)\W.{0,40}(?:fatal )?error:", FAIR),
        Sign(r"fatal error: '?omp\.h'? ?(?:file not found|: No such file)", FAIR, also=(r"inductor",)),
        Sign(r"C\+\+ compile error", FAIR, also=(r"inductor|torch\.compile|dynamo",)),
        Sign(r"UnicodeDecodeError: .{1,120}", FAIR, also=(r"_inductor[/\\](?:cpp_builder|codecache)\.py",), near=1500),
        Sign(r"[/-]D ?TORCH_INDUCTOR_CPP_WRAPPER", FAIR),
        Sign(r"\bC1083: Cannot open include file", FAIR, also=(r"inductor",)),
        ends_in("torch/_inductor/cpp_builder.py", "_?run_compile_cmd|cpp_compiler_search"),
        Sign(r"unsupported option '-fopenmp'", FAIR, also=(r"inductor",)),
        Sign(r"clang compiler does not support '-march", FAIR, also=(r"inductor",)),
        Sign(r"_inductor[/\\]codecache\.py.{0,500}subprocess\.check_output\(cmd", FAIR),
        Sign(r"compiler found in torch\._inductor", FAIR),
    ),
    fixes=(
        Fix(
            do="Install the Visual Studio Build Tools (MSVC, C++ desktop workload) and start from their x64 developer prompt, so that cl "
            "is the right one.",
            commands=(INSTALL_MSVC,),
            when="os=windows",
        ),
        Fix(
            do="Install the command line tools, so that clang++ works.",
            commands=("xcode-select --install",),
            when="os=macos",
        ),
        Fix(
            do="Have a working C++ compiler of a supported version (g++ 9 or newer with OpenMP; on Windows MSVC build tools) and name it "
            "in CXX; libomp on a Mac), and upgrade PyTorch where the generated code itself is at fault.",
            commands=("g++ --version", "export CXX=g++"),
        ),
        NO_COMPILE,
        Fix(do="A stale cache also does this: delete the torchinductor folder of the temporary directory and try again."),
    ),
    explains=("torch-compile-unsupported",),
    refines=("triton-no-c-compiler",),
    examples=(
        "torch._inductor.exc.InductorError: CppCompileError: C++ compile error\n\nCommand:\ng++ /tmp/torchinductor_kim/ab/cab.cpp "
        "-shared -fPIC -fopenmp",
        '  File "C:\\envs\\t\\lib\\site-packages\\torch\\_inductor\\codecache.py", line 1498, in load\nOutput:\n'
        "cab12.obj : error LNK2019: unresolved external symbol aoti_torch_check referenced in function kernel$omp$1",
        "OpenMP support not found. Please try one of the following solutions: (1) Set the `CXX` environment variable to a compiler other "
        "than Apple clang++/g++",
        "cl /I C:/py/Include /D NOMINMAX /D TORCH_INDUCTOR_CPP_WRAPPER /openmp:experimental C:/Temp/torchinductor_kim/us/cus.main.cpp /LD /link",
        '  File "C:\\py\\Lib\\site-packages\\torch\\_inductor\\cpp_builder.py", line 346, in _run_compile_cmd',
        "clang: error: unsupported option '-fopenmp'\nFile /opt/py/lib/python3.9/site-packages/torch/_inductor/codecache.py:481, in CppCodeCache.load(cls, source_code)\n    480 try:\n--> 481     subprocess.check_output(cmd, stderr=subprocess.STDOUT)",
        "E   InvalidCxxCompiler: No working C++ compiler found in torch._inductor.config.cpp.cxx: (None, 'g++')",
    ),
    counterexamples=(
        "error: command 'g++' failed with exit status 1",
        "clang: error: unsupported option '-fopenmp'\nerror: command '/usr/bin/clang' failed with exit code 1",
    ),
)

RECOMPILE = Cause(
    slug="torch-compile-recompile-limit",
    title="torch.compile recompiled a function too often and gave up on it",
    why="Each new shape, dtype or Python value that a guard checks makes a new compilation. After the limit (8 by default) Dynamo runs "
    "that function "
    "uncompiled, or fails where that is not allowed.",
    signs=(
        Sign(r"torch\._dynamo hit config\.(?:cache_size_limit|recompile_limit|accumulated_\w+)"),
        Sign(r"hit config\.(?:cache_size_limit|recompile_limit|accumulated_\w+)"),
        Sign(r"torch_?dynamo hit recompilation cache limit"),
        Sign(r"hit (?:the )?(?:recompil\w+|cache size|recompile) (?:cache )?(?:size )?limit"),
        Sign(r"RecompileLimitExceeded"),
        Sign(r"due to the following guard failures", FAIR),
        Sign(r"(?:exceeded|reached) (?:the )?(?:\w+_)?cache_size_limit"),
        Sign(r"(?:exceeded|reached) (?:the )?recompil(?:e_|ation )limit"),
        Sign(r"CUDAGraph supports dynamic shapes by recording a new graph for each distinct input size", FAIR),
        Sign(r"Recompiling function .{1,80}triggered by the following guard failure", FAIR, also=(r"Error|limit",)),
        Sign(r"To log all recompilation reasons, use TORCH_LOGS="),
        Sign(r"FailOnRecompileLimitHit"),
        Sign(r"(?:cache_size_limit|recompile_limit) reached"),
        Sign(r"CacheLimitExceeded"),
        Sign(r"last reason: \d+/\d+: .{0,200}(?:size mismatch|expected \S+, actual)"),
        Sign(r"size mismatch at index \d+\. expected \d+, actual \d+"),
        Sign(r"recompilation cache limit \(\d+\)"),
        Sign(r"Excessive recompilations can degrade"),
        Sign(r"reached with (?:fullgraph|one_graph)=True", FAIR),
    ),
    fixes=(
        Fix(
            do="Tell the compiler what varies: torch.compile(..., dynamic=True) or torch._dynamo.mark_dynamic(x, 0) for that dimension.",
            code="model = torch.compile(model, dynamic=True)",
        ),
        Fix(
            do="Or make shapes steady: pad or bucket the inputs to a few sizes (padding); move Python values that change (step counters, "
            "flags) "
            "out of the function."
        ),
        Fix(
            do="If the number of variants is small, raise the limit (torch._dynamo.config.recompile_limit; cache_size_limit in older "
            "versions).",
            code="torch._dynamo.config.recompile_limit = 32   # cache_size_limit before torch 2.6",
        ),
        Fix(do="To see the reasons, run with TORCH_LOGS=recompiles.", commands=("TORCH_LOGS=recompiles python your_script.py",)),
    ),
    examples=(
        "W0312 10:01:11.1 77 site-packages/torch/_dynamo/convert_frame.py:861] [3/8] torch._dynamo hit config.cache_size_limit (8)\n"
        "W0312 10:01:11.1 77 site-packages/torch/_dynamo/convert_frame.py:861] [3/8]    function: 'step' (/srv/x/loop.py:20)",
        "torch._dynamo.exc.FailOnRecompileLimitHit: recompile_limit reached with fullgraph=True.",
        "WARNING:torchdynamo.convert_frame:torchdynamo hit recompilation cache limit (64) for function 'forward' (/srv/m.py:38), due to the "
        "following guard failures: [['len(xs) == 0']]",
        "torch._dynamo.exc.FailOnRecompileLimitHit: recompile_limit reached with one_graph=True. Excessive recompilations can degrade "
        "performance due to the compilation overhead of each recompilation.",
    ),
    counterexamples=("recompiling kernels, this may take a minute",),
)

UNSUPPORTED = Cause(
    slug="torch-compile-unsupported",
    title="torch.compile met Python code that it cannot trace",
    why="Dynamo stops at constructs it does not support: data-dependent branches, some C extensions, generators, printing, .item(). "
    "Without fullgraph it "
    "breaks the graph there; with fullgraph=True (or in export) it is an error.",
    signs=(
        Sign(r"torch\._dynamo\.exc\.(?:Unsupported|UserError|Uncaptured\w+)"),
        Sign(r"torch\._dynamo\.exc\.InternalTorchDynamoError", FAIR),
        # these only wrap the error of somebody else
        Sign(r"torch\._dynamo\.exc\.(?:TorchRuntimeError|ObservedException)", WEAK),
        Sign(r"torch\._dynamo\.exc\.BackendCompilerFailed", FAIR),
        Sign(r"torch\._inductor\.exc\.(?:LoweringException|InductorError)", FAIR),
        Sign(r"torch\.fx\.experimental\.symbolic_shapes\.GuardOnDataDependentSymNode"),
        Sign(r"Could not guard on data-dependent expression"),
        Sign(
            r"Unsupported: (?:call_function|call_method|generator|dynamic shape operator|Tensor\.item|torch\.\*|hasattr|inline in "
            r"skipfiles)"
        ),
        Sign(r"Graph break in user code", WEAK, also=(r"Error",)),
        Sign(r"Dynamo does not know how to trace"),
        Sign(r"symbolically traced variables cannot be used as inputs to control flow"),
        Sign(r"Explanation: Dynamo (?:does not|cannot|found|encountered|has no|failed)", FAIR, also=(r"Error|Unsupported",)),
        Sign(r"Dynamic control flow is not supported at the moment"),
        Sign(r"[Dd]ata[- ]dependent (?:branching|control flow|jump|operator|expression|symbol)", FAIR, also=(r"Error|Unsupported|dynamo",)),
        Sign(r"torch\.export\S{0,20}.{0,80}(?:Unsupported|UserError)", FAIR),
        Sign(r"(?:symbolically trace|trace) variables? cannot be used as inputs to control flow", FAIR),
        Sign(r"Encountered graph break", FAIR, also=(r"fullgraph|Error|Unsupported",)),
        Sign(r"call_(?:function|method) .{1,120}in skip_?files", FAIR),
        Sign(
            r"torch\._subclasses\.fake_tensor\.(?:DataDependent\w+|DynamicOutputShape\w+|UnsupportedOperator\w+|UnsupportedFakeTensor\w+)"
        ),
        Sign(r"fullgraph=True.{0,200}graph break", FAIR, also=(r"Error",)),
        Sign(r"Attempted to call function marked as skipped"),
        Sign(r"torch\.\* ops? (?:that )?return\w* (?:a )?non-Tensor"),
        Sign(r"cannot be traced into the Dynamo", FAIR),
        Sign(r"Developer debug context: ", FAIR),
        Sign(r"compile-graph-break-site", FAIR),
        Sign(r"(?:exc\.|Reason: )Unsupported: ", FAIR),
        Sign(r"Graph break due to unsupported builtin", WEAK),
        Sign(r"\[__graph_breaks\]", FAIR),
        Sign(r"\bmissing: (?:LOAD|STORE|BUILD|CALL|SETUP|WITH|DELETE|MAKE)_[A-Z_]+", FAIR),
        Sign(r"raise e\.with_traceback\(None\) from e\.__cause__", FAIR),
        ends_in("torch/_dynamo/exc.py", "unimplemented(?:_\\w+)?"),
        Sign(r"WON'T CONVERT \w", WEAK),
        Sign(r"due to unsupported builtin \S+", FAIR),
        ends_in("torch/_dynamo/symbolic_convert.py", "\\w+"),
        ends_in("torch/_dynamo/variables/\\w+.py", "\\w+"),
        ends_in("torch/_inductor/(?:graph|lowering|scheduler|ir).py", "\\w+"),
    ),
    unless=(
        r"CppCompileError",
        r"Failed to find C compiler",
        r"InvalidCxxCompiler",
        r"OutOfMemoryError",
        r"cannot find -lcuda",
        r"libcuda\.so cannot",
        r"ptxas (?:fatal|error)",
        r"Cannot find a working triton installation",
        r"TritonMissing",
        r"Python\.h: No such file",
    ),
    fixes=(
        Fix(
            do="Allow the graph break: do not use fullgraph=True, or put that part in a function with @torch.compiler.disable.",
            code="@torch.compiler.disable\ndef log_stats(x): ...",
        ),
        Fix(
            do="Or rewrite the line that the message names: torch.where instead of an if on tensor values, no .item() or print in the "
            "compiled part, "
            "torch._check for sizes.",
        ),
        Fix(do="Upgrade PyTorch: every release traces more.", commands=("pip install --upgrade torch",)),
        NO_COMPILE,
    ),
    decide="TORCH_LOGS=graph_breaks python your_script.py",
    examples=(
        "torch._dynamo.exc.Unsupported: Tensor.item() call with capture_scalar_outputs=False\n\nfrom user code:\n   File "
        '"/srv/net/moe.py", line 41, in forward',
        "torch._dynamo.exc.UserError: Dynamic control flow is not supported at the moment. Use functorch.experimental.control_flow.cond",
        "torch._dynamo.exc.Unsupported: Data-dependent branching\n  Explanation: Detected data-dependent branching (e.g. `if "
        "my_tensor.sum() > 0:`). Dynamo does not support tracing dynamic control flow.",
        "torch._subclasses.fake_tensor.DataDependentOutputException: aten._local_scalar_dense.default",
        "torch.fx.experimental.symbolic_shapes.GuardOnDataDependentSymNode: Could not guard on data-dependent expression Eq(u0, 1)",
        "[0/0] [__graph_breaks] Graph break in user code at /srv/net/attn.py:88\n[0/0] [__graph_breaks] Reason: Unsupported: Graph break due to unsupported builtin my_ext_cuda.PyCapsule.fwd. This function is either a Python builtin (e.g. _warnings.warn) or a third-party C/C++ Python extension (perhaps created with pybind).",
        "torch.* op returned non-Tensor\n  Explanation: torch.* ops that return a non-Tensor cannot be traced into the Dynamo FX graph output\n\n  Developer debug context: example_value type: int; op: call_function",
        '  File "/opt/env/lib/python3.11/site-packages/torch/_dynamo/eval_frame.py", line 745, in compile_wrapper\n    raise e.with_traceback(None) from e.__cause__  # User compiler error',
        '  File "/opt/env/lib/python3.10/site-packages/torch/_dynamo/variables/tensor.py", line 520, in call_method\n    unimplemented(f"Tensor.{name}")',
    ),
    counterexamples=(
        "io.UnsupportedOperation: fileno",
        "W0101 torch/_dynamo/variables/tensor.py:869] Graph break from `Tensor.item()`",
        "site-packages/torch/_dynamo/variables/functions.py:679: UserWarning: Graph break due to unsupported builtin None.pybind11_object.__new__.\nstep 10 loss 1.31",
    ),
)

PYTHON = Cause(
    slug="torch-compile-python-version",
    title="torch.compile of this PyTorch version does not support this Python version",
    why="Dynamo works on Python bytecode and each PyTorch release knows Python versions up to a limit: 2.0 up to 3.10, 2.1 to 3.11, 2.4 "
    "to 3.12, 2.6 to 3.13.",
    signs=(
        Sign(r"Dynamo is not supported on Python 3\.\d+\+?"),
        Sign(r"Python 3\.\d+\+? not yet supported for torch\.compile"),
        Sign(r"torch\.compile is not supported on Python 3\.\d+"),
        Sign(r"torch\.compile.{0,40}(?:not supported|unsupported).{0,20}Python ?>?=? ?3\.\d+"),
        Sign(r"torch\.compile does not support Python"),
        Sign(r"Python 3\.\d+\+? (?:is )?not (?:yet )?supported (?:for|by|with) .{0,20}(?:torch\.compile|[Dd]ynamo)"),
        Sign(r"Dynamo (?:is not|not yet|does not).{0,30}Python ?>?=? ?3\.\d+"),
        ends_in("torch/_dynamo/eval_frame.py", "check_if_dynamo_supported"),
        Sign(r"Dynamo is not supported\b", FAIR),
    ),
    fixes=(
        Fix(
            do="Upgrade PyTorch to a release that supports this Python, or make an environment with an older Python (3.11 or 3.12 suit "
            "most).",
            commands=("pip install --upgrade torch",),
        ),
        NO_COMPILE,
    ),
    examples=(
        '  File "/opt/env/lib/python3.12/site-packages/torch/__init__.py", line 1866, in compile\n'
        '    raise RuntimeError("Dynamo is not supported on Python 3.12+")\nRuntimeError: Dynamo is not supported on Python 3.12+',
        "RuntimeError: Python 3.11+ not yet supported for torch.compile",
        "RuntimeError: torch.compile is not supported on Python 3.14+",
    ),
    counterexamples=("ERROR: Package requires a different Python: 3.8.10 not in '>=3.9'",),
)

WINDOWS = Cause(
    slug="torch-compile-windows",
    title="torch.compile of this PyTorch version does not work on Windows",
    why="Windows support came with PyTorch 2.5 for the CPU (with MSVC) and needs the triton-windows package for the GPU.",
    signs=(
        Sign(r"Windows not yet supported for torch\.compile"),
        Sign(r"torch\.compile is not (?:yet )?supported on Windows"),
        Sign(r"Windows (?:is )?not (?:yet )?supported (?:for|by|with) .{0,20}(?:torch\.compile|[Dd]ynamo|[Ii]nductor)"),
        Sign(r"(?:torch\.compile|[Dd]ynamo|[Ii]nductor) .{0,30}(?:not|un)(?: yet)? ?support\w* .{0,10}Windows"),
    ),
    fixes=(
        Fix(do="Upgrade PyTorch and install triton-windows, or run under WSL2.", commands=("pip install --upgrade torch triton-windows",)),
        NO_COMPILE,
    ),
    examples=("RuntimeError: Windows not yet supported for torch.compile",),
    counterexamples=("this feature is not supported on Windows",),
)

CAUSES = (CPP, RECOMPILE, UNSUPPORTED, PYTHON, WINDOWS)
