"""torch.compile: Dynamo, Inductor and Triton."""

from torchdoctor.api import FAIR, STRONG, WEAK, Cause, Fix, Sign

_NO_COMPILE = Fix(
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
    ),
    fixes=(
        Fix(
            do="Install the Visual Studio Build Tools (MSVC, C++ desktop workload) and start from their x64 developer prompt, so that cl "
            "is the right one.",
            commands=("winget install Microsoft.VisualStudio.2022.BuildTools",),
            when="os=windows",
        ),
        Fix(
            do="Install the command line tools, so that clang++ works.",
            commands=("xcode-select --install",),
            when="os=macos",
        ),
        Fix(
            do="Have a working C++ compiler of a supported version (g++ 9 or newer with OpenMP; on Windows MSVC build tools) and name it "
            "in CXX.",
            commands=("g++ --version", "export CXX=g++"),
        ),
        _NO_COMPILE,
        Fix(do="A stale cache also does this: delete the torchinductor folder of the temporary directory and try again."),
    ),
    explains=("torch-compile-unsupported",),
    examples=(
        "torch._inductor.exc.InductorError: CppCompileError: C++ compile error\n\nCommand:\ng++ /tmp/torchinductor_kim/ab/cab.cpp "
        "-shared -fPIC -fopenmp",
    ),
    counterexamples=("error: command 'g++' failed with exit status 1",),
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
        Sign(r"To log all recompilation reasons, use TORCH_LOGS="),
        Sign(r"FailOnRecompileLimitHit"),
        Sign(r"(?:cache_size_limit|recompile_limit) reached"),
        Sign(r"CacheLimitExceeded"),
        Sign(r"last reason: \d+/\d+: .{0,200}(?:size mismatch|expected \S+, actual)"),
    ),
    fixes=(
        Fix(
            do="Tell the compiler what varies: torch.compile(..., dynamic=True) or torch._dynamo.mark_dynamic(x, 0) for that dimension.",
            code="model = torch.compile(model, dynamic=True)",
        ),
        Fix(
            do="Or make shapes steady: pad or bucket the inputs to a few sizes; move Python values that change (step counters, flags) "
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
        Sign(r"fullgraph=True.{0,200}graph break", FAIR, also=(r"Error",)),
        Sign(r"Attempted to call function marked as skipped"),
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
        _NO_COMPILE,
    ),
    decide="TORCH_LOGS=graph_breaks python your_script.py",
    examples=(
        "torch._dynamo.exc.Unsupported: Tensor.item() call with capture_scalar_outputs=False\n\nfrom user code:\n   File "
        '"/srv/net/moe.py", line 41, in forward',
        "torch._dynamo.exc.UserError: Dynamic control flow is not supported at the moment. Use functorch.experimental.control_flow.cond",
        "torch.fx.experimental.symbolic_shapes.GuardOnDataDependentSymNode: Could not guard on data-dependent expression Eq(u0, 1)",
    ),
    counterexamples=("io.UnsupportedOperation: fileno", "W0101 torch/_dynamo/variables/tensor.py:869] Graph break from `Tensor.item()`"),
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
    ),
    fixes=(
        Fix(
            do="Upgrade PyTorch to a release that supports this Python, or make an environment with an older Python (3.11 or 3.12 suit "
            "most).",
            commands=("pip install --upgrade torch",),
        ),
        _NO_COMPILE,
    ),
    examples=(
        '  File "/opt/env/lib/python3.12/site-packages/torch/__init__.py", line 1866, in compile\n'
        '    raise RuntimeError("Dynamo is not supported on Python 3.12+")\nRuntimeError: Dynamo is not supported on Python 3.12+',
        "RuntimeError: Python 3.11+ not yet supported for torch.compile",
    ),
    counterexamples=("ERROR: Package requires a different Python: 3.8.10 not in '>=3.9'",),
)

WINDOWS = Cause(
    slug="torch-compile-windows",
    title="torch.compile of this PyTorch version does not work on Windows",
    why="Windows support came with PyTorch 2.5 for the CPU (with MSVC) and needs the triton-windows package for the GPU.",
    signs=(
        Sign(r"Windows not yet supported for torch\.compile"),
        Sign(r"torch\.compile is not supported on Windows"),
    ),
    fixes=(
        Fix(do="Upgrade PyTorch and install triton-windows, or run under WSL2.", commands=("pip install --upgrade torch triton-windows",)),
        _NO_COMPILE,
    ),
    examples=("RuntimeError: Windows not yet supported for torch.compile",),
    counterexamples=("this feature is not supported on Windows",),
)

TRITON_RESOURCES = Cause(
    slug="triton-out-of-resources",
    title="A Triton kernel needs more shared memory (or registers) than this GPU has",
    why="The block sizes and pipeline stages of the kernel were chosen for a GPU with more on-chip memory: an A100 has 163 KiB per "
    "block, an RTX 30/40 99 KiB, "
    "a T4 64 KiB.",
    signs=(
        Sign(r"out of resource: (?:shared memory|registers?|threads|tensor memory)"),
        Sign(r"OutOfResources: out of resource"),
        Sign(r"Required: (?P<required>\d+), Hardware limit: (?P<limit>\d+)"),
        Sign(r"Reducing block sizes or `?num_stages`? may help"),
        Sign(r"No valid triton configs\. OutOfResources"),
    ),
    fixes=(
        Fix(
            do="Use smaller block sizes or a lower num_stages in the kernel's configuration (BLOCK_M, BLOCK_N, BLOCK_SIZE), or a smaller "
            "head dimension; with "
            "flex_attention pass kernel_options.",
            code="kernel[grid](..., BLOCK_M=32, BLOCK_N=32, num_stages=1)",
        ),
        Fix(
            do="Update the library that brings the kernel (flash-linear-attention, vLLM, xformers, PyTorch): newer ones choose sizes per "
            "GPU."
        ),
        Fix(
            do="Or use another implementation of that operation (PyTorch's scaled_dot_product_attention, no max-autotune), or a GPU with "
            "more shared memory."
        ),
    ),
    explains=("torch-compile-unsupported", "torch-compile-cpp-error"),
    examples=(
        "triton.runtime.autotuner.OutOfResources: out of resource: shared memory, Required: 131072, Hardware limit: 101376. Reducing "
        "block sizes or "
        "`num_stages` may help.",
    ),
    counterexamples=("slurm: out of resources on node",),
)

TRITON_COMPILE = Cause(
    slug="triton-compile-failed",
    title="Triton could not compile a kernel for this GPU",
    why="The kernel uses something that this Triton version or this GPU does not have (bf16 or fp8 on an older card, an operation of a "
    "newer Triton).",
    signs=(
        Sign(r"triton\.compiler\.errors\.(?:CompilationError|UnsupportedLanguageConstruct|CompileTimeAssertionFailure)"),
        Sign(r"PassManager::run failed"),
        Sign(r"RuntimeError: `?ptxas`? failed with error code", FAIR),
        Sign(r"Internal Triton PTX codegen error"),
        Sign(r"Cannot select: intrinsic %llvm\.nvvm"),
        Sign(r"LLVM ERROR: Cannot select"),
    ),
    unless=(r"sm_1\d\d\w? is not defined", r"Value 'sm_\d+\w?' is not defined for option 'gpu-name'"),
    fixes=(
        Fix(
            do="Use the Triton version that this PyTorch brings, and the library version made for it.",
            commands=("pip install --upgrade torch",),
        ),
        Fix(do="On a GPU before compute capability 8.0 avoid bfloat16 (and before 8.9 fp8) in that kernel; float16 usually works."),
        _NO_COMPILE,
    ),
    refines=("torch-compile-unsupported",),
    examples=('triton.compiler.errors.CompilationError: at 21:11:\n    acc = tl.dot(a, b, input_precision="tf32")\nAssertionError()',),
    counterexamples=("compilation terminated.",),
)

CAUSES = (CPP, RECOMPILE, UNSUPPORTED, PYTHON, WINDOWS, TRITON_RESOURCES, TRITON_COMPILE)
