"""Building CUDA extensions: the toolkit, its headers, its version and the architectures to build for."""

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_ECHOES = ("ninja-build-failed", "pip-build-failed", "deepspeed-adam-del-attributeerror")

_HEADER = (
    r"(?P<header>(?:cu(?:da|blas|sparse|solver|rand|fft|dnn|pti|file|tensor)\w{0,30}\.h(?:pp)?|nvrtc\.h|nvJitLink\.h|"
    r"cooperative_groups\S{0,40}|device_launch_parameters\.h|host_(?:defines|config)\.h|"
    r"(?:vector|library|driver|texture|surface)_types\.h|math_constants\.h|thrust/[\w/]{1,60}\.h|cub/[\w/]{1,60}\.cuh|nv/target|"
    r"cuda/std/[\w/]{1,40}|crt/\w{1,40}\.h|nvtx3/\w{1,40}\.h\w{0,2}|nvToolsExt\.h))"
)

CAUSES = (
    Cause(
        slug="cuda-home-not-set",
        title="No CUDA toolkit was found for building the extension: CUDA_HOME is not set and nvcc is missing",
        why="torch's wheel contains the CUDA libraries but not the compiler nvcc. Building an extension needs a CUDA toolkit of the "
        "system, which torch looks for in CUDA_HOME, CUDA_PATH, /usr/local/cuda and on PATH.",
        signs=(
            Sign(
                r"\bnvcc\W{1,4}(?:未找到命令|找不到命令|command introuvable|commande introuvable|Befehl nicht gefunden|Kommando nicht gefunden|orden no encontrada|no se encontró la orden|comando non trovato|comando não encontrado|команда не найдена|コマンドが見つかりません|不是内部或外部命令|不是內部或外部命令)"
            ),
            Sign(r"cuda_dir \+ .{0,3}/bin/nvcc", FAIR),
            Sign(r"CMAKE_CUDA_COMPILER not set"),
            Sign(r"\['which', 'nvcc'\]", FAIR),
            Sign(r"(?:Errno|WinError) 2\].{0,80}'nvcc'"),
            Sign(r"CUDA_HOME (?:is |was )?undefined", FAIR),
            Sign(r"\bno nvcc (?:was )?(?:found|in PATH)", FAIR),
            Sign(r".nvcc. failed to execute", FAIR),
            Sign(r"command not found: nvcc\b"),
            Sign(r"/nvcc: (?:command )?not found"),
            Sign(r"name 'bare_metal_version' is not defined"),
            Sign(r"in get_cuda_bare_metal_version\b", FAIR),
            Sign(r"CUDA_HOME environment variable is not set"),
            Sign(r"CUDA was not found on the system, please set the CUDA_HOME"),
            Sign(r"CUDA_HOME does not exist, unable to compile CUDA op"),
            Sign(r"MissingCUDAException"),
            Sign(r"(?:Errno 2|WinError 2)\]?.{0,180}[/\\]bin[/\\]nvcc"),
            Sign(r"No such file or directory: '?(?P<path>\S{0,100}nvcc)"),
            Sign(r"nvcc not found at '(?P<path>[^']{1,200})'"),
            Sign(r"(?<!\S)nvcc: (?:command )?not found", FAIR),
            Sign(r"(?:sh|bash|zsh|ninja): (?:\d+: |line \d+: )?\S{0,60}nvcc: (?:command )?not found"),
            Sign(r"nvcc was not found\. {1,2}Are you sure your environment has nvcc available"),
            Sign(r"No CUDA runtime is found, using CUDA_HOME='(?P<path>[^']{0,200})'", WEAK),
            Sign(r"Could not find (?:compiler set in environment variable CUDACXX|CUDA: Found unsuitable)", FAIR),
            Sign(r"Failed to find nvcc", FAIR),
            Sign(r"CMAKE_CUDA_COMPILER.{0,120}(?:NOTFOUND|could be found|not a full path)", FAIR),
            Sign(r"No CMAKE_CUDA_COMPILER could be found"),
            Sign(r"Could NOT find CUDA(?:Toolkit)?\b(?! drivers?\b)", FAIR, unless=(r"Build files have been written",)),
            Sign(r"unable to find (?:the )?CUDA toolkit", FAIR),
            Sign(r"unsupported operand type\(s\) for \+: 'NoneType' and 'str'", FAIR, also=(r"CUDA_HOME",)),
            Sign(r"expected str, bytes or os\.PathLike object, not NoneType", FAIR, also=(r"(?:CUDA_HOME|cuda_home|cpp_extension)",)),
            ends_in("torch/utils/cpp_extension.py", "_join_cuda_home"),
            ends_in("op_builder/builder.py", "installed_cuda_version"),
            Sign(r"CUDA_HOME(?: environment variable)? (?:is |was )?not (?:set|found|defined)", FAIR),
            Sign(r"CUDA_PATH(?: environment variable)? (?:is |was )?not (?:set|found|defined)", FAIR),
            Sign(r"(?:find|locate|detect) (?:the )?CUDA_HOME", FAIR),
            Sign(r"(?:not|cannot|can.?t|unable to|couldn.?t|failed to) (?:find|locate|detect) (?:the )?nvcc\b", FAIR),
            Sign(r"(?:not|cannot|can.?t|unable to|couldn.?t|failed to) (?:find|locate|detect) .{0,12}CUDA toolkit", FAIR),
            Sign(r"(?:error|exception|fatal)\]?:? .{0,60}\bnvcc\b.{0,20} not (?:be )?(?:found|located|available|installed)", FAIR),
            Sign(r"nvcc binary could not be located"),
            Sign(r"CUDA_TOOLKIT_ROOT_DIR not found or specified"),
            Sign(r"Specify CUDA_TOOLKIT_ROOT_DIR"),
            Sign(r"CUDA_TOOLKIT_ROOT_DIR.NOTFOUND", FAIR),
            Sign(r"unable to execute '(?P<path>[^' ]{0,200}nvcc)'"),
            Sign(r"command '(?P<path>[^' ]{0,200}nvcc)' failed: (?:No such file|None)"),
            Sign(r"\bno nvcc in \("),
            Sign(r"Command 'nvcc' not found"),
            Sign(r"nvcc'? is not recognized"),
            Sign(r"The term 'nvcc' is not recognized"),
            Sign(r"CUDA toolkit (?:is |was |could )?not (?:be )?(?:found|installed|detected)", FAIR, unless=(r"INFO|CPU[- ]only build",)),
            Sign(r"No CUDA toolset found"),
            Sign(r"CUDA compiler identification is unknown", FAIR),
            Sign(r"CUDA_HOME is None", FAIR),
            Sign(r"CUDA_HOME {1,40}None\b", FAIR, also=(r"not compiled with (?:GPU|CUDA) support",)),
            Sign(r"libdevice not found at", FAIR),
            Sign(r"Can.?t find libdevice directory", FAIR),
            Sign(r"_join_cuda_home\(", FAIR, also=(r"cpp_extension\.py",)),
        ),
        explains=("extension-built-without-cuda", *_ECHOES, "pip-build-isolation-no-torch"),
        fixes=(
            Fix(
                "Install the CUDA toolkit with nvcc (the version torch was built with: torch.version.cuda) and set CUDA_HOME (CUDA_PATH "
                "on Windows, which the installer does; open a new shell).",
                (
                    'python -c "import torch; print(torch.version.cuda)"',
                    "export CUDA_HOME=/usr/local/cuda",
                    "export PATH=$CUDA_HOME/bin:$PATH",
                    "nvcc --version",
                ),
            ),
            Fix(
                "In a conda environment the toolkit can be installed there.",
                ("conda install -c nvidia cuda-toolkit=12.8", "export CUDA_HOME=$CONDA_PREFIX"),
            ),
            Fix(
                "Or take a prebuilt wheel of the package, so that nothing has to be compiled; in Docker use an image with -devel in its "
                "tag.",
            ),
            Fix(
                "For CMake on Windows ('No CUDA toolset found'): run the CUDA toolkit's installer again with its Visual Studio integration, after Visual Studio.",
                when="os=windows",
            ),
            Fix(
                "If XLA (JAX, TensorFlow) asks for libdevice: XLA_FLAGS=--xla_gpu_cuda_data_dir names the toolkit's folder.",
                ("export XLA_FLAGS=--xla_gpu_cuda_data_dir=/usr/local/cuda",),
            ),
        ),
        decide="which nvcc; echo $CUDA_HOME; ls -d /usr/local/cuda*",
        examples=(
            "bash: nvcc: 未找到命令",
            "'nvcc' 不是内部或外部命令，也不是可运行的程序",
            "zsh: command not found: nvcc",
            "CMake Error: CMAKE_CUDA_COMPILER not set, after EnableLanguage",
            "FileNotFoundError: [Errno 2] No such file or directory: 'nvcc'",
            "NameError: name 'bare_metal_version' is not defined",
            '  File "/tmp/pip-req/setup.py", line 72, in get_cuda_bare_metal_version\n    raw_output = subprocess.check_output([cuda_dir + "/bin/nvcc", "-V"], universal_newlines=True)',
            "Not compiled with GPU support\nCUDA_HOME                 None",
            "RuntimeError: Could not find nvcc and default cuda_home='/usr/local/cuda' doesn't exist",
            "CMake Error at cmake/FindCUDA.cmake:12 (message):\n  Specify CUDA_TOOLKIT_ROOT_DIR",
            "unable to execute '/usr/local/cuda-11.7/bin/nvcc': No such file or directory\nerror: command '/usr/local/cuda-11.7/bin/nvcc' failed with exit status 1",
            "'nvcc' is not recognized as an internal or external command,\noperable program or batch file.",
            "Command 'nvcc' not found, but can be installed with:\nsudo apt install nvidia-cuda-toolkit",
            "CMake Error at CMakeDetermineCompilerId.cmake:739 (message):\n  No CUDA toolset found.",
            "OSError: The nvcc binary could not be located in your $PATH. Either add it to your path, or set $CUDAHOME",
            "OSError: CUDA_HOME environment variable is not set. Please set it to your CUDA install root.",
            "deepspeed.ops.op_builder.builder.MissingCUDAException: CUDA_HOME does not exist, unable to compile CUDA op(s)",
            "FileNotFoundError: [Errno 2] No such file or directory: '/usr/local/cuda/bin/nvcc'",
        ),
        counterexamples=(
            "CUDA_HOME                 None\nepoch 3: loss 0.2",
            "CUDA_HOME=/usr/local/cuda-12.4\nbuilding 'ops' extension\nfinished",
        ),
    ),
    Cause(
        slug="cuda-home-malformed",
        title="CUDA_HOME (or the nvcc path) is set to something that is not one existing folder",
        why="CUDA_HOME is used literally: CUDA_HOME/bin/nvcc has to exist. Here it has a leading colon, quotes, a trailing bin, two "
        "folders, or names a folder that is not there.",
        signs=(
            Sign(r"CUDA_HOME=\S{1,120} does not exist", FAIR),
            Sign(r"No such file or directory: '(?P<path>:[^']{1,200}nvcc)"),
            Sign(r"No such file or directory: '\"?(?P<path>[^']{1,150}:[^']{1,150}/bin/nvcc)"),
            Sign(r"No such file or directory: '(?P<path>[^']{0,150}/bin/bin/nvcc)"),
            Sign(r"No such file or directory: '(?P<path>[^']{0,150}/bin/nvcc/bin/nvcc)"),
            Sign(r"(?P<path>:/[\w/.:-]{1,150}/nvcc): (?:command )?not found"),
            Sign(r"-I:/[\w./-]{0,80}cuda"),
            Sign(r"['\x22 ](?P<path>:/[\w/.:+-]{0,150})/nvcc\b"),
            Sign(r"(?P<path>/[\w/.+-]{1,120}:/?[\w/.+-]{0,120}/bin)/nvcc\b"),
            Sign(r"(?P<path>/[\w/.+-]{1,120})/bin/bin/nvcc\b"),
            Sign(r"(?P<path>/[\w/.+-]{1,120})/nvcc/bin/nvcc\b"),
            Sign(r"(?P<path>['\x22][\w/.: -]{1,120}['\x22])/bin/nvcc"),
            Sign(r"'(?P<path>[~$][^' ]{0,120})/bin/nvcc'"),
            Sign(r"Not a directory: '(?P<path>[^']{1,200}nvcc)"),
            Sign(r"CUDA_(?:HOME|PATH)\W{1,40}:/\w", FAIR),
            Sign(r"CUDA_HOME=['\x22]?\$\{?CUDA_HOME\}?:/", FAIR),
            Sign(r"CUDA_HOME (?:is set|path|directory|points)\b.{0,80}(?:does not exist|is not a (?:valid )?directory|is invalid)", FAIR),
            Sign(r"-isystem :/[\w./-]{0,80}cuda"),
        ),
        refines=("cuda-home-not-set",),
        explains=_ECHOES,
        fixes=(
            Fix(
                "Set CUDA_HOME to one existing folder, without quotes, colons or a trailing /bin, so that $CUDA_HOME/bin/nvcc exists; do "
                "not append to it as to PATH.",
                ("export CUDA_HOME=/usr/local/cuda", "ls $CUDA_HOME/bin/nvcc"),
            ),
            Fix("If there is no such folder, install the CUDA toolkit first.", ("ls -d /usr/local/cuda*",)),
        ),
        decide='echo "[$CUDA_HOME]"; ls $CUDA_HOME/bin/nvcc',
        examples=(
            "RuntimeError: CUDA_HOME=/usr/local/cuda-11.8 does not exist",
            "unable to execute \"'/opt/cuda-11.8'/bin/nvcc\": No such file or directory",
            "error: command ':/usr/local/cuda-11.3/bin/nvcc' failed with exit status 1",
            "/bin/sh: 1: /usr/local/cuda-11.8:/usr/local/cuda/bin/nvcc: not found",
            "FileNotFoundError: [Errno 2] No such file or directory: '\"/usr/local/cuda\"/bin/nvcc'",
            "CUDA_HOME                  :/usr/local/cuda-12.2\ndetectron2._C              failed to import",
            "FileNotFoundError: [Errno 2] No such file or directory: ':/usr/local/cuda-12.1/bin/nvcc'",
        ),
        counterexamples=(
            "CUDA_HOME:/usr/local/cuda\nepoch 1",
            "CUDA_HOME=/usr/local/cuda-12.4",
            "FileNotFoundError: [Errno 2] No such file or directory: '/data/train.csv'",
        ),
    ),
    Cause(
        slug="cuda-headers-missing",
        title="A CUDA header is missing when the extension is compiled",
        why="torch's headers include CUDA's ({header|cusparse.h and others}). The toolkit that was found has only the compiler or the "
        "run-time part, as conda's cudatoolkit or cuda-nvcc packages and -runtime images do.",
        signs=(
            Sign(_HEADER + r" (?:is|was) missing\b", FAIR),
            Sign(r"fatal error: ['\x22]?" + _HEADER, FAIR),
            Sign(
                r"fatal error: (?P<header>(?:cuda|cu)\w*(?:/\w+)?\.h(?:pp)?|nv\w+/\w+\.h(?:pp)?|nvToolsExt\.h|thrust/\S+?\.h|"
                r"cub/\S+?\.cuh|crt/\w+\.h|cudnn\w*\.h|curand\w*\.h): No such file"
            ),
            Sign(
                r"fatal error: '?(?P<header>(?:cuda|cublas|cusparse|cusolver|cudnn|curand|cufft)\w*\.h)'?(?: file not found|: No such "
                r"file)"
            ),
            Sign(r"Cannot open include file: '(?P<header>(?:cuda|cublas|cusparse|cusolver|cudnn|curand|nvtx3?)[\w/]*\.h)'"),
            Sign(r"cannot open source file \"(?P<header>(?:cuda|cublas|cusparse|cusolver|cudnn|thrust|cub)[\w/]*\.c?u?h)\"", FAIR),
            Sign(
                r"fatal error: ['\x22]?"
                + _HEADER
                + r"['\x22]?\W{1,3}(?:No such file|file not found|Datei oder|Aucun fichier|No existe|Нет такого|没有那个|そのような)"
            ),
            Sign(_HEADER + r"\W{1,3}Datei oder Verzeichnis nicht gefunden"),
            Sign(_HEADER + r"\W{1,3}没有那个文件或目录"),
            Sign(_HEADER + r"\W{1,3}そのようなファイル"),
            Sign(_HEADER + r"\W{1,3}Aucun fichier ou dossier"),
            Sign(r"Cannot open include file: '" + _HEADER + r"'"),
            Sign(
                r"cannot open source file ." + _HEADER + r".",
                FAIR,
            ),
            Sign(r"Path to libdevice library not specified", FAIR),
        ),
        explains=_ECHOES,
        fixes=(
            Fix(
                "Install the full CUDA toolkit with its development headers, in torch's CUDA version (conda: cuda-toolkit; Debian: "
                "cuda-toolkit, or libcusparse-dev, libcublas-dev, libcusolver-dev; Docker: a -devel image).",
                (
                    'python -c "import torch; print(torch.version.cuda)"',
                    "conda install -c nvidia cuda-toolkit=12.8",
                    "sudo apt install cuda-toolkit-12-8",
                ),
            ),
            Fix(
                "Or point CUDA_HOME at a complete CUDA of the system, whose include folder has the header.",
                ("find / -name cusparse.h 2>/dev/null", "export CUDA_HOME=/usr/local/cuda"),
            ),
        ),
        decide="ls $CUDA_HOME/include/cusparse.h $CUDA_HOME/include/cuda_runtime.h",
        examples=(
            "the build stops because cusolverDn.h is missing",
            "cc1plus: fatal error: cuda_runtime.h:No file or directory",
            "ops.cu:3:10: fatal error: cooperative_groups.h: No such file or directory",
            "/usr/include/foo.h:2:10: fatal error: nv/target: No such file or directory",
            "kernel.h:4:10: fatal error: cusparse.h: Datei oder Verzeichnis nicht gefunden",
            "/opt/v/lib/python3.11/site-packages/torch/include/ATen/cuda/CUDAContext.h:10:10: fatal error: cusolverDn.h: No such file or "
            "directory",
            "fatal error: cuda_runtime.h: No such file or directory\ncompilation terminated.",
        ),
        counterexamples=("fatal error: my_project.h: No such file or directory",),
    ),
)
