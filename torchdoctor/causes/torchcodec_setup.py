"""torchcodec: not installed, or its library does not load."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="torchcodec-load-failed",
        title="torchcodec cannot load its library: FFmpeg is missing, or it is made for another torch",
        why="torchcodec links to the FFmpeg libraries of the system (not the ffmpeg program alone) and to one torch release. It tries "
        "FFmpeg 4 to 8 in turn and found none that loads together with this torch.",
        signs=(
            Sign(r"FFmpeg is not properly installed in your environment"),
            Sign(r"not compatible with this version of TorchCodec"),
            Sign(r"github\.com/(?:meta-)?pytorch/torchcodec\S{0,20}#installing-torchcodec", FAIR),
            ends_in("torchcodec/_core/ops.py", "<module>|load_torchcodec_shared_libraries"),
            Sign(r"Could not load libtorchcodec"),
            Sign(r"= load_torchcodec_shared_libraries\(\)", FAIR),
            Sign(r"libtorchcodec_core\d\.(?:so|dylib|dll).{0,120}(?:undefined symbol|cannot open|not found|Could not)", FAIR),
            Sign(r"libavutil\.so\.\d+: cannot open shared object file", FAIR),
            Sign(r"not found in DLL:.{0,200}libtorchcodec"),
            Sign(r"Could not load this library: .{0,200}libtorchcodec"),
            Sign(r"libtorchcodec loading traceback"),
            Sign(r"Could not find module .{0,200}libtorchcodec"),
            Sign(r"lib(?:avcodec|avutil|avformat|avfilter|avdevice|swscale|swresample)\.so\.\d+: cannot open shared object file", FAIR),
            Sign(r"Library not loaded: @rpath/lib(?:avcodec|avutil|avformat|avfilter|avdevice|swscale|swresample)\.\d+\.dylib", FAIR),
            Sign(r"libnppicc\.so\S{0,4}: cannot open shared object file", FAIR),
        ),
        refines=(
            "cpp-extension-abi-mismatch",
            "windows-dll-version-conflict",
        ),
        fixes=(
            Fix(
                "Install FFmpeg with its shared libraries (version 4 to 8) into the environment or the system.",
                ("conda install -c conda-forge ffmpeg",),
            ),
            Fix(
                "Install the torchcodec version that pairs with the installed torch (0.7 with torch 2.8, 0.8 and 0.9 with 2.9, 0.5 with "
                "2.7, 0.2 with 2.6).",
                ('python -c "import torch; print(torch.__version__)"', "pip install --force-reinstall torchcodec==0.7"),
            ),
        ),
        url="https://github.com/pytorch/torchcodec#installing-torchcodec",
        examples=(
            "          1. FFmpeg is not properly installed in your environment. We support\n             versions 4, 5, 6, 7, and 8.",
            "             this version of TorchCodec. Refer to the version compatibility\n             table:\n             https://github.com/pytorch/torchcodec?tab=readme-ov-file#installing-torchcodec.",
            '  File "/opt/v/lib/python3.10/site-packages/torchcodec/_core/ops.py", line 86, in <module>\n    load_torchcodec_shared_libraries()',
            "RuntimeError: Could not load libtorchcodec. Likely causes:\n          1. FFmpeg is not properly installed in your "
            "environment. We support versions 4, 5, 6 and 7.\n          2. The PyTorch version (2.8.0+cu128) is not compatible with this "
            "version of TorchCodec.",
            "FFmpeg version 4: Could not load this library: /opt/v/lib/python3.12/site-packages/torchcodec/libtorchcodec_core4.dylib\n[end of libtorchcodec loading traceback].",
            "Procedure ?decref_pyobject@TensorImpl@c10@@UEBAXXZ not found in DLL: C:\\v\\Lib\\site-packages\\torchcodec\\libtorchcodec_core7.dll.",
            "OSError: libavcodec.so.60: cannot open shared object file: No such file or directory",
        ),
        counterexamples=("[torchcodec] decoded 300 frames",),
    ),
    Cause(
        slug="torchcodec-missing",
        title="Audio or video decoding needs torchcodec, which is not installed",
        why="Newer torchaudio (2.9 and later) and datasets (4.0 and later) no longer decode themselves, they call torchcodec.",
        signs=(
            ends_in(
                "datasets/features/audio.py",
                "(?:de|en)code_example",
                code=r"raise ImportError\(.{0,2}To support \w+coding audio",
            ),
            ends_in("torchaudio/_torchcodec.py", "(?:load|save)_with_torchcodec", code=r"raise ImportError\("),
            Sign(r"TorchCodec is required for (?:load|save)_with_torchcodec"),
            Sign(r"To support (?:decoding|encoding) (?:audio|video)(?: data)?, please install '?torchcodec"),
            Sign(r"No module named 'torchcodec'"),
            Sign(r"name '(?:AudioDecoder|VideoDecoder|torchcodec)' is not defined", FAIR),
            Sign(r"TorchCodec is not installed"),
            Sign(r"[Pp]lease install '?torchcodec", FAIR),
        ),
        refines=("module-not-installed",),
        fixes=(
            Fix(
                "Install torchcodec in the version for the installed torch, and FFmpeg with its shared libraries.",
                ("python -m pip install torchcodec", "conda install -c conda-forge ffmpeg"),
            ),
            Fix("Or stay with versions that decode themselves: torchaudio below 2.9, datasets below 4.", ('pip install "datasets<4"',)),
        ),
        examples=(
            '  File "/opt/v/lib/python3.12/site-packages/torchaudio/_torchcodec.py", line 82, in load_with_torchcodec\n    raise ImportError(',
            "ImportError: TorchCodec is required for load_with_torchcodec. Please install torchcodec to use this function.",
            "ImportError: TorchCodec is not installed. Please install torchcodec to decode audio.",
            "NameError: name 'AudioDecoder' is not defined",
        ),
        counterexamples=("TorchCodec 0.8 loaded",),
    ),
)
