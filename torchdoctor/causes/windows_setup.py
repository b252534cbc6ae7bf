"""Windows: DLLs of torch that cannot be loaded, and the page file."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_TORCH_DLL = r"torch[/\\]+lib[/\\]+(?P<dll>[\w.-]+\.dll)"
_CLEAN = ("pip uninstall -y torch torchvision torchaudio", "pip install --no-cache-dir torch torchvision torchaudio")

CAUSES = (
    Cause(
        slug="windows-vcredist-missing",
        title="A torch DLL cannot be loaded because the Microsoft Visual C++ Redistributable is missing",
        why="torch's DLLs need Microsoft's C++ run-time libraries (vcruntime140_1.dll, msvcp140.dll). A fresh Windows does not have "
        "them, and the error names torch's DLL instead of the missing one.",
        signs=(
            Sign(
                r"DLL load failed.{0,60}(?:找不到指定的模块|Das angegebene Modul wurde nicht gefunden|Не найден указанный модуль|Le module spécifié est introuvable|No se puede encontrar el módulo especificado|Não foi possível encontrar o módulo|指定されたモジュールが見つかりません)",
                FAIR,
                also=(r"\btorch\b",),
                unless=(r"xformers", r"_ext"),
            ),
            Sign(r"api-ms-win-crt-[\w-]{2,40}\.dll (?:was )?(?:not found|is missing)", FAIR),
            Sign(r"Could not find module .{0,200}[/\\'](?:c10|shm|asmjit|torch|torch_cpu|torch_python|torch_global_deps|caffe2\w*)\.dll\b"),
            Sign(r"err\.strerror \+= .{0,4}Error loading .{0,3}\{dll\}", FAIR),
            Sign(rf"\[WinError 126\].{{0,120}}Error loading .{{0,200}}{_TORCH_DLL}"),
            Sign(rf"Error loading .{{0,200}}{_TORCH_DLL}.{{0,5}} or one of its dependencies", FAIR),
            Sign(r"Microsoft Visual C\+\+ Redistributable is not installed"),
            Sign(r"vc_redist\.x64\.exe", FAIR, also=(r"(?:Error|DLL)",)),
            Sign(r"Could not find module .{0,200}torch[/\\]+lib[/\\]+\w+\.dll", FAIR),
            Sign(r"(?:VCRUNTIME140(?:_1)?|MSVCP140(?:_1)?)\.dll (?:was )?(?:not found|is missing)"),
            Sign(
                r"DLL load failed(?: while importing (?:_C|torch))?: The specified module could not be found",
                FAIR,
                also=(r"\btorch\b",),
                unless=(r"xformers", r"_ext"),
            ),
            Sign(r"\[WinError 126\]", FAIR, also=(r"torch[/\\]__init__\.py",)),
            ends_in("torch/__init__.py", "_load_dll_libraries|<module>", code=r"raise err\b"),
            Sign(r"ImportError: DLL load failed(?: while importing \w+)?: ", FAIR, also=(r"torch\._C|torch[/\\]__init__\.py",)),
            Sign(r"Error loading (?:\S{0,200}[/\\])?(?:shm|asmjit|c10|torch_cpu|torch_python|caffe2\w*)\.dll", FAIR),
            Sign(r"DLL load failed while importing onnxruntime_pybind11_state: The specified module could not be found", FAIR),
            Sign(
                r"(?:VCRUNTIME140(?:_1)?|MSVCP140(?:_1)?)\.dll\b.{0,30}(?:未找到|não foi|nicht gefunden|fehlt|introuvable|не найден|отсутствует|no se encontr|見つから)",
                FAIR,
            ),
            Sign(r"(?:找不到|缺少|faltando|fehlt|отсутствует|manque).{0,30}(?:VCRUNTIME140(?:_1)?|MSVCP140(?:_1)?)\.dll", FAIR),
        ),
        unless=(r"fbgemm\.dll", r"WinError 1455", r"WinError 127\]"),
        fixes=(
            Fix(
                "Install the Microsoft Visual C++ (VC++) Redistributable 2015-2022 for x64 (vc_redist.x64.exe) and restart.",
                ("winget install Microsoft.VCRedist.2015+.x64",),
                risk="restart",
            ),
            Fix(
                "If it stays, reinstall torch cleanly (a DLL may be damaged, or taken away by a virus scanner), with a 64-bit Python "
                "from python.org.",
                _CLEAN,
            ),
        ),
        url="https://aka.ms/vs/17/release/vc_redist.x64.exe",
        examples=(
            "    import torch\nImportError: DLL load failed while importing _C: Le module spécifié est introuvable.",
            "The program can't start because api-ms-win-crt-runtime-l1-1-0.dll is missing from your computer.",
            "FileNotFoundError: Could not find module 'c10.dll' (or one of its dependencies). Try using the full path with constructor syntax.",
            "File ~\\env\\Lib\\site-packages\\torch\\__init__.py:148\n    146                 err = ctypes.WinError(ctypes.get_last_error())\n    147                 err.strerror += f' Error loading \"{dll}\" or one of its dependencies.'\n--> 148                 raise err",
            "OSError: [WinError 126] The specified module could not be found. Error loading "
            '"D:\\venv\\lib\\site-packages\\torch\\lib\\shm.dll" or one of its dependencies.',
            "ImportError: DLL load failed while importing onnxruntime_pybind11_state: The specified module could not be found.",
            "由于找不到 MSVCP140.dll，无法继续执行代码。重新安装程序可能会解决此问题。",
        ),
        counterexamples=("OSError: [WinError 126] The specified module could not be found: 'game.dll'",),
    ),
    Cause(
        slug="windows-c10-dll-init",
        title="The initialisation of c10.dll fails (WinError 1114)",
        why="Wheels of the torch 2.9 time use run-time features that an older Visual C++ runtime on PATH or in System32 does not have, "
        "so c10.dll's start-up code fails.",
        signs=(
            Sign(r"torch.{0,200}\bDLL initiali[sz]ation (?:failure|failed|error)", FAIR),
            Sign(r"\[WinError 1114\].{0,200}(?:c10|torch\w*|shm)\.dll"),
            Sign(r"\[WinError 1114\]", also=(r"torch[/\\]+__init__\.py",)),
            Sign(r"WinError 1114", FAIR),
            Sign(r"DLL load failed while importing \w+: A dynamic link library \(DLL\) initialization routine failed", FAIR),
            Sign(r"dynamic link library \(DLL\) initialization routine failed.{0,80}Error loading", FAIR),
        ),
        refines=("windows-vcredist-missing",),
        fixes=(
            Fix(
                "Install the newest Microsoft Visual C++ (VC++) Redistributable (x64, vc_redist.x64.exe) and restart.",
                ("winget install Microsoft.VCRedist.2015+.x64",),
                risk="restart",
            ),
            Fix("Or use another torch version, for example 2.8.", ("pip install torch==2.8.0 torchvision==0.23.0 torchaudio==2.8.0",)),
            Fix(
                "Or import torch before PyQt, pandas or other packages that load an older runtime first.",
                code="import torch  # before PyQt5, pandas",
            ),
        ),
        url="https://aka.ms/vs/17/release/vc_redist.x64.exe",
        examples=(
            "Error loading `torch\\lib\\torch_python.dll` due to DLL initialization failure on Windows",
            "OSError: [WinError 1114] A dynamic link library (DLL) initialization routine failed. Error loading "
            '"C:\\app\\.venv\\Lib\\site-packages\\torch\\lib\\c10.dll" or one of its dependencies.',
        ),
        counterexamples=("event 1114 written to the log",),
    ),
    Cause(
        slug="windows-dll-version-conflict",
        title="DLLs of different versions are mixed: a procedure was not found (WinError 127)",
        why="A DLL was found, but in another version than expected: a cuDNN or CUDA of another installation on PATH, or torch and its "
        "companions of different releases.",
        signs=(
            Sign(r"Prozedureinsprungpunkt"),
            Sign(r"无法定位程序输入点"),
            Sign(r"point d'entrée de (?:la )?procédure"),
            Sign(r"punto de entrada del procedimiento"),
            Sign(r"ponto de entrada do procedimento"),
            Sign(r"Точка входа в процедуру"),
            Sign(r"DLL load failed.{0,80}%1 is not a valid Win32 application", FAIR),
            Sign(r"\[WinError 127\]"),
            Sign(r"The procedure entry point .{1,160} could not be located in the dynamic link library"),
            Sign(r"DLL load failed(?: while importing \w+)?: The specified procedure could not be found"),
            Sign(r"WinError 182\].{0,200}torch", FAIR),
            Sign(r"\[WinError 193\].{0,200}(?:not a valid Win32 application|torch)"),
            Sign(r"(?<!\[)WinError 127\b.{0,40}Error loading", FAIR),
            Sign(r"The ordinal \d+ could not be located in the dynamic link library"),
            Sign(r"Procedure \S{4,200} not found in DLL"),
        ),
        refines=("windows-vcredist-missing",),
        fixes=(
            Fix(
                "Reinstall torch, torchvision and torchaudio cleanly in matching versions, from one index.",
                _CLEAN,
            ),
            Fix(
                "Remove the foreign DLLs from PATH: other CUDA or cuDNN folders (cudnn64_8.dll, cublas64_*.dll), and copies in System32.",
                ("where cudnn64_8.dll", "where cudart64_12.dll", "where zlibwapi.dll"),
            ),
        ),
        examples=(
            "无法定位程序输入点 cudnnGetVersion 于动态链接库 C:\\v\\torch\\lib\\torch_cuda.dll 上。",
            "ImportError: DLL load failed while importing _C: %1 is not a valid Win32 application.",
            "OSError: [WinError 127] The specified procedure could not be found. Error loading "
            '"E:\\sd\\venv\\lib\\site-packages\\torch\\lib\\nvfuser_codegen.dll" or one of its dependencies.',
            "The ordinal 345 could not be located in the dynamic link library C:\\conda\\Library\\bin\\mkl_intel_thread.2.dll.",
        ),
        counterexamples=("exit status 127: command not found",),
    ),
    Cause(
        slug="windows-fbgemm-libomp",
        title="fbgemm.dll of torch 2.4.0 cannot be loaded: libomp140.x86_64.dll is missing",
        why="The Windows wheel of torch 2.4.0 needs LLVM's OpenMP DLL, which comes only with Visual Studio. torch 2.4.1 no longer does.",
        signs=(
            Sign(r"Error loading .{0,200}fbgemm\.dll"),
            Sign(r"libomp140\.x86_64\.dll (?:was )?(?:not found|is missing|could not)", FAIR),
            Sign(r"fbgemm\.dll.{0,80}(?:WinError 126|dependencies|could not be found)", FAIR),
        ),
        refines=("windows-vcredist-missing",),
        fixes=(
            Fix(
                "Install torch 2.4.1 or newer.",
                ("pip install -U torch torchvision torchaudio", "pip install torch==2.4.1 torchvision==0.19.1 torchaudio==2.4.1"),
            ),
            Fix(
                "Or provide libomp140.x86_64.dll: install the Visual Studio Build Tools (C++ workload; VC++ redistributable) or put the "
                "DLL into System32."
            ),
        ),
        examples=(
            "OSError: [WinError 126] The specified module could not be found. Error loading "
            '"C:\\py\\Lib\\site-packages\\torch\\lib\\fbgemm.dll" or one of its dependencies.',
        ),
        counterexamples=("fbgemm quantization backend selected",),
    ),
    Cause(
        slug="windows-pagefile-too-small",
        title="The paging file is too small for torch's DLLs in all the worker processes",
        why="On Windows each DataLoader worker starts afresh and reserves memory for torch's CUDA DLLs (gigabytes each). Windows has to "
        "back that with the page file, which is too small.",
        signs=(
            Sign(r"页面文件太小"),
            Sign(r"頁面檔案太小"),
            Sign(r"Auslagerungsdatei ist zu klein"),
            Sign(r"Le fichier de pagination est (?:insuffisant|trop petit)"),
            Sign(r"archivo de paginación es demasiado pequeño"),
            Sign(r"arquivo de paginação é (?:muito|demasiado) pequeno"),
            Sign(r"Файл подкачки слишком мал"),
            Sign(r"file di paging (?:è|non è) (?:troppo piccolo|sufficiente)"),
            Sign(r"ページング ?ファイルが小さすぎる"),
            Sign(r"\[WinError 1455\]"),
            Sign(r"The paging file is too small for this operation to complete"),
            Sign(r"os error 1455\b"),
        ),
        refines=(
            "cuda-runtime-lib-missing",
            "windows-vcredist-missing",
        ),
        explains=("dataloader-worker-killed",),
        fixes=(
            Fix("Lower num_workers of the DataLoader (0, 1 or 2).", code="loader = DataLoader(dataset, batch_size=16, num_workers=2)"),
            Fix(
                "Or enlarge the page file (System, Advanced, Performance, Virtual memory) to some tens of gigabytes and restart.",
                ("sysdm.cpl",),
                who="admin",
                risk="restart",
            ),
        ),
        examples=(
            "页面文件太小，无法完成操作。",
            'OSError: Le fichier de pagination est insuffisant pour terminer cette opération. Error loading "C:\\\\v\\\\torch\\\\lib\\\\cublasLt64_11.dll"',
            "OSError: [WinError 1455] The paging file is too small for this operation to complete. Error loading "
            '"D:\\envs\\v\\lib\\site-packages\\torch\\lib\\cudnn_cnn_infer64_8.dll" or one of its dependencies.',
            "OSError: Die Auslagerungsdatei ist zu klein, um diesen Vorgang durchzuführen. (os error 1455)",
        ),
        counterexamples=("paging through 1455 rows",),
    ),
)
