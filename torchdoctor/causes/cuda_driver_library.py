"""The driver's own library, libcuda, that cannot be found."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="libcuda-missing",
        title="libcuda.so.1, the driver's own library, cannot be found",
        why="libcuda.so.1 belongs to the NVIDIA driver of the host, not to CUDA or torch. Where it is missing there is no driver, the "
        "container (or docker build, which has no GPU) was not given the host's, or its folder is not on the loader's path.",
        signs=(
            Sign(r"libcuda\.so(?:\.1)?: (?:Kann die|无法打开|impossible d|no se puede abrir|não (?:é|foi) possível|не удается)"),
            Sign(r"find (?:nv)?cuda lib under the names"),
            Sign(r"_nvmlCheckReturn\(NVML_ERROR_LIBRARY_NOT_FOUND\)", FAIR),
            Sign(r"\bNVML_?ERROR_LIBRARY_NOT_FOUND", FAIR),
            ends_in("numba/cuda/cudadrv/driver.py", "_raise_driver_not_found"),
            Sign(r"open CUDA library libcuda\.so", FAIR),
            Sign(r"libcuda\.so(?:\.1)?: cannot open shared object file"),
            Sign(r"Could not load dynamic library .{0,3}libcuda\.so", FAIR),
            Sign(r"libcuda\.so\.1 => not found"),
            Sign(r"libcuda\.so(?:\.1)? (?:was )?not found", FAIR),
            Sign(r"Could not find (?:module )?.{0,3}nvcuda\.dll", FAIR),
            Sign(r"CUDA driver is a stub library"),
            Sign(r"libnvidia-ml\.so\.1: cannot open shared object file", FAIR),
            Sign(r"NVMLError_LibraryNotFound", FAIR),
            Sign(r"CUDA Version: (?:ERR!|N/A)", FAIR),
            Sign(r"NVML Shared Library Not Found", FAIR),
            Sign(r"libcuda\.so(?:\.1)?: (?:file too short|wrong ELF class|invalid ELF header)"),
            Sign(r"libcuda\.so\.1, needed by \S{1,160}, not found"),
            Sign(r"undefined reference to .cu(?:Mem|Device|Ctx|Module|Launch|Init|Link|Stream|Event|GetError|Func|Pointer|Driver|Tensor)"),
            Sign(r"CUDA driver library cannot be found"),
            Sign(
                r"(?:load|find|open|dlopen|locate) (?:the )?.{0,3}libcuda\.so",
                FAIR,
                also=(r"(?:fail|error|unable|could not|cannot|can't|couldn't)",),
            ),
            Sign(r"load cuda driver library", FAIR),
            Sign(r"dynamically load the \W{0,3}(?:nv)?cuda\W{1,3}shared library"),
            Sign(r"lib(?:nvcuvid|nvidia-encode|nvidia-ptxjitcompiler|nvidia-opencl|nvoptix)\.so[\d.]*: cannot open", FAIR),
            Sign(r"PTX JIT compiler library not found"),
            Sign(r"JIT_COMPILER_NOT_FOUND"),
        ),
        unless=(r"libcuda\.so cannot found", r"nvidia-container-cli"),
        explains=("cuda-no-device-error",),
        fixes=(
            Fix(
                "On a host: install the NVIDIA driver (it brings libcuda.so.1), then run ldconfig and check nvidia-smi.",
                ("nvidia-smi", "ldconfig -p | grep libcuda.so", "sudo ldconfig"),
                who="admin",
            ),
            Fix(
                "In a container: run it with GPU access (--gpus all). docker build has none: do the step at run time, make nvidia "
                "docker's default runtime for builds (default-runtime in /etc/docker/daemon.json), or put the toolkit's stub on "
                "LD_LIBRARY_PATH for the build only.",
                ("docker run --rm --gpus all IMAGE nvidia-smi", "export LD_LIBRARY_PATH=/usr/local/cuda/lib64/stubs:$LD_LIBRARY_PATH"),
            ),
            Fix(
                "If the driver is there, add the folder of libcuda.so.1 to LD_LIBRARY_PATH.",
                ("find / -name 'libcuda.so*' 2>/dev/null", "export LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu:$LD_LIBRARY_PATH"),
            ),
            Fix(
                "If another library of the driver is named (libnvcuvid, libnvidia-encode, libnvidia-ptxjitcompiler): the container was given only a part of the driver; start it with NVIDIA_DRIVER_CAPABILITIES=all.",
                ("docker run --rm --gpus all -e NVIDIA_DRIVER_CAPABILITIES=all IMAGE nvidia-smi",),
            ),
            Fix(
                "If the linker wants it (undefined reference to cu..., needed by ..., not found): link against the toolkit's stub.",
                ("export LIBRARY_PATH=/usr/local/cuda/lib64/stubs:$LIBRARY_PATH",),
            ),
        ),
        decide="ldconfig -p | grep libcuda.so; nvidia-smi",
        examples=(
            "OSError: libcuda.so.1: Kann die Shared-Object-Datei nicht öffnen: Datei oder Verzeichnis nicht gefunden",
            'Unable to find cuda lib under the names ["cuda", "nvcuda"]. Please open GitHub issue.',
            '  File "/srv/v/lib/python3.8/site-packages/pynvml.py", line 770, in _LoadNvmlLibrary\n    _nvmlCheckReturn(NVML_ERROR_LIBRARY_NOT_FOUND)',
            "/usr/bin/ld: warning: libcuda.so.1, needed by bin/libggml-cuda.so, not found (try using -rpath or -rpath-link)\nbin/libggml-cuda.so: undefined reference to `cuMemCreate'",
            "ImportError: /usr/lib/x86_64-linux-gnu/libcuda.so.1: file too short",
            "RuntimeError: CUDA error: PTX JIT compiler library not found",
            "numba.cuda.cudadrv.error.CudaSupportError: Error at driver init:\nCUDA driver library cannot be found.",
            "ImportError: libcuda.so.1: cannot open shared object file: No such file or directory",
            "CUDA initialization: Unexpected error from cudaGetDeviceCount(). Error 34: CUDA driver is a stub library",
        ),
        counterexamples=(
            "undefined reference to `cudaMemcpy'",
            "libcuda.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libcuda.so.1",
        ),
    ),
)
