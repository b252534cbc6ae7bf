"""bitsandbytes and flash-attn: their compiled halves are missing or made for something else."""

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="bitsandbytes-missing",
        title="4-bit or 8-bit loading was asked for, and bitsandbytes is not installed or too old",
        why="load_in_4bit, load_in_8bit and BitsAndBytesConfig are carried out by the bitsandbytes package, which the running "
        "interpreter does not have, or only in a version below what transformers wants.",
        signs=(
            Sign(r"don.t have the correct .?bitsandbytes.? version"),
            Sign(r"Please install the latest version of .?bitsandbytes"),
            ends_in("transformers/quantizers/quantizer_bnb_4bit.py", "validate_environment", code=r"raise ImportError"),
            ends_in("transformers/quantizers/quantizer_bnb_8bit.py", "validate_environment", code=r"raise ImportError"),
            Sign(r"requires the latest version of bitsandbytes"),
            Sign(r"and the latest version of bitsandbytes"),
            Sign(r"No module named 'bitsandbytes'"),
            Sign(r"No package metadata was found for (?:The 'bitsandbytes|bitsandbytes)"),
            Sign(r"bitsandbytes>?=?=?[\d.]* (?:distribution )?(?:is required|was not found)", FAIR),
            Sign(r"requires `?bitsandbytes`?.{0,40}pip install -U bitsandbytes", FAIR),
            Sign(r"bitsandbytes (?:is not installed|not installed|is required)", FAIR),
            Sign(
                r"(?:ImportError|ModuleNotFoundError|ValueError|RuntimeError|Exception): .{0,160}(?:install|requires?|need) .{0,24}bitsandbytes",
                FAIR,
                unless=(
                    r"libbitsandbytes",
                    r"CUDA is required but not available",
                    r"CUDA Setup failed",
                ),
            ),
            Sign(
                r"bitsandbytes\W{0,3}(?:package |library )?(?:is |was )?(?:not installed|required for|not available)",
                FAIR,
                unless=(r"libbitsandbytes",),
            ),
            Sign(r"\bbnb is not installed"),
            Sign(r"name 'bnb' is not defined", FAIR),
            Sign(r"(?:cannot import name '\w{1,40}' from|No module named) 'bitsandbytes\b", FAIR),
            Sign(
                r"module 'bitsandbytes[\w.]{0,30}' has no attribute '(?!lib')",
                FAIR,
                unless=(
                    r"libbitsandbytes",
                    r"CUDA SETUP",
                ),
            ),
            Sign(r"Params4bit\.__new__\(\) got an unexpected keyword", FAIR),
        ),
        refines=("accelerate-missing-or-old", "module-not-installed"),
        fixes=(
            Fix(
                "Install (upgrade) bitsandbytes and accelerate in the interpreter that runs, on a machine with CUDA, then restart the "
                "kernel.",
                ("python -m pip install -U bitsandbytes accelerate",),
            ),
            Fix(
                "Or load without quantization: leave out load_in_4bit/load_in_8bit and quantization_config (needed on a Mac or CPU with "
                "older versions).",
                code='model = AutoModelForCausalLM.from_pretrained(name, torch_dtype="auto", device_map="auto")',
            ),
        ),
        examples=(
            "Detected the presence of a `quantization_config` attribute in the model's configuration but you don't have the correct `bitsandbytes` version to support int8 serialization. Please install the latest version of `bitsandbytes` with  `pip install --upgrade bitsandbytes`.",
            '  File "/srv/v/lib/python3.11/site-packages/transformers/quantizers/quantizer_bnb_4bit.py", line 62, in validate_environment\n    raise ImportError(',
            "ImportError: The bitsandbytes library is required to load this model in 4 bit. Run pip install bitsandbytes",
            "ValueError: Trainer tried to instantiate bnb optimizer but bnb is not installed!",
            "AttributeError: module 'bitsandbytes.nn' has no attribute 'Linear4bit'",
            "ImportError: Please install bitsandbytes>=0.46.1 via `pip install bitsandbytes>=0.46.1` to use bitsandbytes quantizer.",
            "ImportError: Using `bitsandbytes` 4-bit quantization requires the latest version of bitsandbytes: `pip install -U "
            "bitsandbytes`",
            "ModuleNotFoundError: No module named 'bitsandbytes'",
        ),
        counterexamples=("bitsandbytes 0.45 found, loading in 4 bit",),
    ),
    Cause(
        slug="bitsandbytes-no-cuda-lib",
        title="bitsandbytes has no binary for the CUDA in use, or cannot find the CUDA libraries",
        why="bitsandbytes ships one compiled library per CUDA version and picks by torch's CUDA. There is none for this version, it fell "
        "back to its CPU library, or libcudart was not on the library path.",
        signs=(
            Sign(r"🚨 (?:CUDA|ROCm) VERSION MISMATCH"),
            Sign(
                r"bitsandbytes was compiled without GPU support\.?(?: 8-bit [\w ,-]{0,100}unavailable\W{0,4})?(?: {0,4}warn\(.{0,90})? {0,4}$"
            ),
            ends_in("bitsandbytes/cextension.py", "throw_on_call|__getattr__"),
            Sign(r"Native code method attempted to call: lib\."),
            Sign(r"CUDA Setup failed despite (?:GPU|CUDA) being available"),
            Sign(r"bitsandbytes was compiled without GPU support", WEAK),
            Sign(r"Could not find the bitsandbytes CUDA binary at \S+libbitsandbytes_cuda(?P<cuda>\d+)"),
            Sign(r"Configured CUDA binary not found at \S+libbitsandbytes"),
            Sign(r"libbitsandbytes_\w+\.(?:so|dll)\W.{0,40}(?:cannot open|not found|no such file)"),
            Sign(r"Required library version not found: libbitsandbytes"),
            Sign(r"libbitsandbytes_cpu\.so: undefined symbol: \w+"),
            Sign(r"libbitsandbytes_\w+\.so: undefined symbol", FAIR),
            Sign(r"undefined symbol: cget_col_row_stats"),
            Sign(r"CUDA SETUP: CUDA detection failed"),
            Sign(r"CUDA_SETUP: WARNING! libcudart\.so not found in any environmental path", FAIR),
            Sign(r"CUDA SETUP: Setup Failed", FAIR),
            Sign(
                r"'NoneType' object has no attribute 'c(?:adam\w+|lion\w+|get_managed_ptr|dequantize_blockwise|quantize_blockwise|"
                r"gemm_4bit|percentile_clipping)\w*'"
            ),
            Sign(r"name 'str2optimizer(?:8|32)bit\w*' is not defined"),
            Sign(r"Attempted to use bitsandbytes native library functionality but it's not available"),
            Sign(r"bitsandbytes library load error", FAIR),
            Sign(r"argument of type 'WindowsPath' is not iterable", FAIR, also=(r"bitsandbytes",)),
            Sign(r"Method 'c\w+' not available in CPU-only version of bitsandbytes"),
            Sign(r"CUDA VERSION MISMATCH.{0,200}", FAIR, also=(r"bitsandbytes",)),
            Sign(r"Library not found: \S+libbitsandbytes_\w+"),
            Sign(r"CUDA SETUP: Loading binary \S+libbitsandbytes_cpu", FAIR),
            ends_in("bitsandbytes/cextension.py", "<module>"),
            Sign(r"function 'c\w{3,40}' not found", FAIR, also=(r"bitsandbytes|bnb",)),
            Sign(r"(?:CUDA|ROCm) VERSION MISMATCH.{0,12}Requested"),
            Sign(r"CUDA SETUP ERROR: Missing dependency"),
            Sign(r"Forgot to compile the bitsandbytes library"),
            Sign(r"main CUDA runtime library was not detected"),
            Sign(r"CUDA SETUP: (?:Problem|Solution|Something unexpected)", FAIR),
            Sign(r"No libcudart\.so found! Install CUDA", FAIR),
            Sign(r"ErrorHandlerMockBNBNativeLibrary"),
            Sign(r"module 'bitsandbytes\.functional' has no attribute 'lib'", FAIR),
            Sign(r"libbitsandbytes_\w{1,20}\.(?:dll|so): invalid ELF header"),
            Sign(r"No GPU detected! Check your CUDA paths", FAIR),
            Sign(r"Unknown CUDA exception! Please check your CUDA install", FAIR),
        ),
        explains=("bitsandbytes-missing", "bnb-model-to"),
        refines=("ext-cuda-version-mismatch", "cpp-extension-abi-mismatch", "cuda-runtime-lib-missing"),
        fixes=(
            Fix(
                "Upgrade bitsandbytes to a version that has a binary for torch's CUDA, then look at its own report.",
                ("python -m pip install -U bitsandbytes", "python -m bitsandbytes", 'python -c "import torch; print(torch.version.cuda)"'),
            ),
            Fix(
                "If it names a missing libcudart: put the CUDA libraries on LD_LIBRARY_PATH; unset BNB_CUDA_VERSION, or set it to a CUDA "
                "version that bitsandbytes has.",
                ("ls $(python -c 'import bitsandbytes,os; print(os.path.dirname(bitsandbytes.__file__))')", "unset BNB_CUDA_VERSION"),
            ),
            Fix(
                "If torch itself is a CPU build (torch.version.cuda is None), install a CUDA build of torch first; without an NVIDIA GPU "
                "do not load in 4 or 8 bit.",
                ("pip install torch --index-url https://download.pytorch.org/whl/cu128",),
            ),
        ),
        decide="python -m bitsandbytes",
        examples=(
            'UserWarning: The installed version of bitsandbytes was compiled without GPU support. 8-bit optimizers, 8-bit multiplication, and GPU quantization are unavailable.\n  warn("The installed version of bitsandbytes was compiled without GPU support. "',
            '  File "/srv/v/lib/python3.11/site-packages/bitsandbytes/cextension.py", line 291, in throw_on_call\n    raise RuntimeError(f"{self.formatted_error}Native code method attempted to call: lib.{name}()")',
            "/opt/v/lib/python3.10/site-packages/bitsandbytes/libbitsandbytes_cuda116.dll: invalid ELF header",
            "🚨 CUDA VERSION MISMATCH 🚨\nRequested CUDA version:          12.9\nDetected PyTorch CUDA version:   12.6\nAvailable pre-compiled versions:",
            "🚨 Forgot to compile the bitsandbytes library? 🚨\n1. You're not using the package but checked-out the source code",
            "🚨 CUDA SETUP ERROR: Missing dependency: libcusparse.so.12 🚨",
            "RuntimeError: \n        CUDA Setup failed despite GPU being available. Please run the following command to get more "
            "information:\n\n        python -m bitsandbytes",
            "Could not find the bitsandbytes CUDA binary at "
            "PosixPath('/opt/v/lib/python3.12/site-packages/bitsandbytes/libbitsandbytes_cuda129.so')",
            "AttributeError: 'NoneType' object has no attribute 'cget_managed_ptr'",
            "Library not found: /srv/env/lib/python3.11/site-packages/bitsandbytes/libbitsandbytes_cuda126.so. Maybe you need to compile it from source?",
        ),
        counterexamples=(
            "UserWarning: The installed version of bitsandbytes was compiled without GPU support. 8-bit optimizers, 8-bit multiplication, and GPU quantization are unavailable.\n{'loss': 1.9, 'epoch': 0.1}",
            "CUDA SETUP: Loading binary /opt/v/lib/libbitsandbytes_cuda121.so...",
        ),
    ),
    Cause(
        slug="flash-attn-abi",
        title="flash-attn's compiled module was built for another torch or C++ ABI",
        why="The flash-attn wheel is compiled for one torch release, one CUDA major and one setting of the C++ ABI (cxx11abi TRUE or "
        "FALSE). The symbols it wants do not exist in the torch that is installed.",
        signs=(
            ends_in("flash_attn/__init__.py", "<module>", code=r"from flash_attn\.flash_attn_interface import"),
            Sign(
                r"(?P<module>flash_attn_\d?_?cuda|flash_attn_3_cuda|flash_attn_cuda|rotary_emb|dropout_layer_norm|fused_dense_lib|"
                r"xentropy_cuda_lib)[\w.-]*\.so: undefined symbol"
            ),
            Sign(r"flash_attn[\w./-]*\.so: undefined symbol"),
            Sign(r"DLL load failed while importing flash_attn\w*"),
            Sign(r"flash_attn_2_cuda.{0,300}undefined symbol: _ZN", FAIR),
            Sign(r"cannot import name 'flash_attn\w*' from .{0,80}flash_attn", FAIR, also=(r"undefined symbol",)),
            ends_in("flash_attn/flash_attn_interface.py", "<module>", code=r"import flash_attn\w*_cuda"),
            Sign(r"No module named '(?P<module>flash_attn_\d?_?cuda)'"),
            Sign(r"(?P<module>flash_attn_\d?_?cuda)[\w.-]{0,60}\.so: cannot open"),
            Sign(r"module '(?P<module>flash_attn_\d?_?cuda)' has no attribute", FAIR),
        ),
        refines=(
            "windows-dll-version-conflict",
            "module-not-installed",
            "cpp-extension-abi-mismatch",
        ),
        fixes=(
            Fix(
                "Reinstall flash-attn for the installed torch: rebuild it without build isolation and without the cached wheel.",
                ("pip uninstall -y flash-attn", "pip install flash-attn --no-build-isolation --no-cache-dir"),
            ),
            Fix(
                "Or install the prebuilt wheel of flash-attn's releases whose name has this torch version, CUDA major, Python (cpXY) and "
                "the same cxx11abi as torch.",
                ('python -c "import torch; print(torch.__version__, torch.version.cuda, torch._C._GLIBCXX_USE_CXX11_ABI)"',),
            ),
            Fix(
                'Or do without it: attn_implementation="sdpa".',
                code='model = AutoModelForCausalLM.from_pretrained(name, attn_implementation="sdpa")',
            ),
        ),
        decide='python -c "import torch; print(torch.__version__, torch._C._GLIBCXX_USE_CXX11_ABI)"; pip show flash-attn',
        url="https://github.com/Dao-AILab/flash-attention/releases",
        examples=(
            '  File "/srv/v/lib/python3.10/site-packages/flash_attn/__init__.py", line 3, in <module>\n    from flash_attn.flash_attn_interface import (',
            "ModuleNotFoundError: No module named 'flash_attn_2_cuda'",
            "ImportError: /opt/llm/lib/python3.11/site-packages/flash_attn_2_cuda.cpython-311-x86_64-linux-gnu.so: undefined symbol: "
            "_ZN3c105ErrorC2ENS_14SourceLocationESs",
        ),
        counterexamples=("flash_attn 2.7.4 available, using flash_attention_2",),
    ),
)
