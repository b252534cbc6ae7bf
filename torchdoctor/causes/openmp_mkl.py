"""OpenMP and MKL: two copies in one process, or the wrong one."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="libomp-duplicate",
        title="Two OpenMP runtimes are loaded in one process",
        why="torch, NumPy's MKL, faiss, scikit-learn and others each may bring an OpenMP runtime (libiomp5, libomp, libgomp). When a "
        "second one starts in the same process it stops the program, because both together can compute wrongly.",
        signs=(
            Sign(r"cause crashes or silently produce incorrect results", FAIR),
            Sign(r"OMP: Error #15: Initializing (?P<second>[\w.]+), but found (?P<first>[\w.]+) already initialized"),
            Sign(r"OMP: Error #15"),
            Sign(r"multiple copies of the OpenMP runtime have been linked into the program"),
            Sign(
                r"Found Intel OpenMP \('libiomp'\) and LLVM OpenMP \('libomp'\) loaded at the same time",
                FAIR,
                also=(r"(?:segmentation|abort|hang|Error)",),
            ),
            Sign(r"Error #15: Initializing"),
            Sign(r"Initializing \S{0,40}(?P<second>libi?omp\w*|libgomp|vcomp\w*)\S{0,40}, but found \S{1,80} already"),
            Sign(r"multiple copies of the OpenMP runtime", FAIR),
            Sign(
                r"__kmp_(?:suspend|fork_barrier|hyper_barrier)\w*", FAIR, also=(r"EXC_BAD_ACCESS|SIGSEGV|[Ss]egmentation fault|image list",)
            ),
        ),
        explains=("native-segfault",),
        fixes=(
            Fix(
                "Keep a single OpenMP runtime: install torch, numpy, faiss and scikit-learn from one source (one conda channel, or all "
                "with pip) in a fresh environment; with conda use nomkl (conda install nomkl) or remove the duplicate libomp / libiomp5.",
                ("conda install -c conda-forge nomkl numpy scipy scikit-learn faiss-cpu",),
            ),
            Fix(
                "As a stopgap only: KMP_DUPLICATE_LIB_OK=TRUE lets both run, and may crash (segfault) or give wrong results.",
                ("export KMP_DUPLICATE_LIB_OK=TRUE",),
                code='import os\nos.environ["KMP_DUPLICATE_LIB_OK"] = "TRUE"  # before importing torch',
            ),
        ),
        wrong_advice="KMP_DUPLICATE_LIB_OK=TRUE only hides the problem; a segmentation fault or wrong numbers can follow.",
        decide='python -c "import torch, threadpoolctl; print(threadpoolctl.threadpool_info())"',
        examples=(
            "to continue to execute, but that may cause crashes or silently produce incorrect results. For more information, please see http://openmp.llvm.org/\nzsh: abort      python fit.py",
            "OMP: Error #15: Initializing libiomp5md.dll, but found libomp140.x86_64.dll already initialized.\nOMP: Hint This means that "
            "multiple copies of the OpenMP runtime have been linked into the program.",
            "Error #15: Initializing libomp.dylib, but found libiomp5.dylib already initialized.",
            "EXC_BAD_ACCESS (SIGSEGV) in a worker thread\n  libomp.dylib`__kmp_suspend_64<false, true> + 44\n  libomp.dylib`__kmp_fork_barrier",
        ),
        counterexamples=("OMP: Info #155: KMP_AFFINITY: Initial OS proc set respected",),
    ),
    Cause(
        slug="libgomp-static-tls",
        title="libgomp was loaded too late: no room was left in the static TLS block",
        why="On aarch64 a library that uses static thread-local storage must be loaded early. Other libraries had used up the space when "
        "libgomp (or libGLdispatch, libtorch) came.",
        signs=(
            Sign(r"(?P<library>[\w/.+-]{1,200}\.so(?:\.\d{1,3}){0,4}): cannot allocate memory in static TLS block"),
            Sign(r"cannot allocate memory in static TLS block"),
            Sign(r"cannot load any more object with static TLS"),
        ),
        explains=("torch-install-broken",),
        fixes=(
            Fix(
                "Preload the library that is named, so that it is loaded first: LD_PRELOAD with libgomp.so.1.",
                ("export LD_PRELOAD={library|/usr/lib/aarch64-linux-gnu/libgomp.so.1}",),
            ),
            Fix(
                "Or change the import order: import torch first (or before) the library that crowds it out, such as cv2 or sklearn.",
                code="import torch\nimport cv2",
            ),
            Fix("Or use a newer glibc (Ubuntu 22.04 and later), which leaves more room.", who="admin"),
        ),
        examples=(
            "ImportError: /opt/v/lib/python3.8/site-packages/scikit_learn.libs/libgomp-d22c30c5.so.1.0.0: cannot allocate memory in "
            "static TLS block",
            "ImportError: dlopen: cannot load any more object with static TLS",
        ),
        counterexamples=("cannot allocate memory for thread-local data of size 64",),
    ),
    Cause(
        slug="mkl-ijit-undefined-symbol",
        title="conda's torch meets MKL 2024.1 or newer, which no longer has iJIT_NotifyEvent",
        why="The conda builds of torch up to 2.3 use a symbol of Intel's profiler that MKL contained until 2024.0. conda installed a "
        "newer MKL.",
        signs=(
            Sign(r"undefined symbol: iJIT_\w+"),
            Sign(r"iJIT_(?:NotifyEvent|IsProfilingActive|GetNewMethodID)"),
        ),
        refines=("cpp-extension-abi-mismatch", "conda-pip-torch-mix", "mkl-library-conflict"),
        fixes=(
            Fix("Install an older MKL in the environment: mkl<2024.1 (mkl=2024.0).", ("conda install mkl=2024.0",)),
            Fix(
                "Or use the pip wheel of torch, or a newer torch, which do not need that symbol.",
                ("pip install torch torchvision torchaudio",),
            ),
        ),
        examples=(
            "ImportError: /opt/conda/envs/t/lib/python3.10/site-packages/torch/lib/libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent",
        ),
        counterexamples=("mkl 2024.0.0 intel_49656",),
    ),
    Cause(
        slug="mkl-library-conflict",
        title="Another MKL is loaded than the one torch or NumPy was built with",
        why="MKL consists of several libraries which must be of one version. A cluster module, oneAPI or an old installation on "
        "LD_LIBRARY_PATH provides some of them in place of the environment's.",
        signs=(
            Sign(r"libmkl_\w+\.so(?:\.\d+)?: undefined symbol: \w+"),
            Sign(r"undefined symbol: mkl_\w+"),
            Sign(r"Intel MKL FATAL ERROR: (?:Cannot load|Error on loading function) \S{1,100}"),
            Sign(r"INTEL oneMKL (?:FATAL )?ERROR: .{0,160}(?:mkl_\w+|libmkl\w*)"),
            Sign(r"libmkl_\w+\.so(?:\.\d+)?: cannot open shared object file"),
            Sign(r"symbol lookup error: \S{0,200}libmkl_\w+"),
            Sign(r"INTEL MKL ERROR: .{0,200}(?:mkl_\w+|libmkl\w*)"),
            Sign(r"undefined symbol: cblas_\w+", FAIR),
        ),
        unless=(r"iJIT_",),
        explains=("torch-install-broken",),
        fixes=(
            Fix(
                "Remove the other MKL from LD_LIBRARY_PATH: unset LD_LIBRARY_PATH (module unload intel, mkl or parallel_studio; do not "
                "source setvars.sh).",
                ("echo $LD_LIBRARY_PATH", "unset LD_LIBRARY_PATH"),
            ),
            Fix(
                "Or reinstall so that there is one, newer MKL version in the environment (conda install mkl numpy from one channel).",
                ("conda list mkl", "conda install -c conda-forge --force-reinstall mkl numpy"),
            ),
        ),
        decide="ldd $(python -c 'import torch,os; print(os.path.dirname(torch.__file__))')/lib/libtorch_cpu.so | grep mkl",
        refines=(
            "windows-dll-version-conflict",
            "windows-vcredist-missing",
        ),
        examples=(
            "ImportError: /sw/intel/2017/mkl/lib/intel64/libmkl_intel_thread.so: undefined symbol: omp_get_num_procs",
            "Intel MKL FATAL ERROR: Cannot load libmkl_avx2.so or libmkl_def.so.",
            "INTEL MKL ERROR: The specified module could not be found. mkl_intel_thread.2.dll.",
        ),
        counterexamples=("MKL version 2024.0, threads 8",),
    ),
    Cause(
        slug="mkl-threading-layer",
        title="MKL_THREADING_LAYER=INTEL clashes with GNU OpenMP (libgomp) in a child process",
        why="A process that imported torch or another library with libgomp first cannot switch MKL to Intel's OpenMP. Launchers pass the "
        "variable on to their workers, which then refuse to start.",
        signs=(
            Sign(r"MKL_THREADING_LAYER=INTEL is incompatible with libgomp"),
            Sign(r"mkl-service \+ Intel\(R\) MKL: .{0,40}incompatible"),
            Sign(r"Set MKL_SERVICE_FORCE_INTEL to force it"),
        ),
        explains=("torchrun-child-failed",),
        fixes=(
            Fix("Set MKL_THREADING_LAYER=GNU for the run.", ("export MKL_THREADING_LAYER=GNU",)),
            Fix("Or import numpy before torch at the top of the script.", code="import numpy\nimport torch"),
            Fix("Or set MKL_SERVICE_FORCE_INTEL=1.", ("export MKL_SERVICE_FORCE_INTEL=1",)),
        ),
        examples=(
            "Error: mkl-service + Intel(R) MKL: MKL_THREADING_LAYER=INTEL is incompatible with libgomp-a34b3233.so.1 library.\n\tTry to "
            "import numpy first or set the threading layer accordingly. Set MKL_SERVICE_FORCE_INTEL to force it.",
        ),
        counterexamples=("export MKL_THREADING_LAYER=GNU",),
    ),
)
