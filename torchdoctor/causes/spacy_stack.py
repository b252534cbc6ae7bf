"""spaCy and its GPU stack: CuPy, thinc, models that are not installed, texts that are too long."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="spacy-model-not-installed",
        title="The spaCy model {model|that is loaded} is not installed in this environment",
        why="spaCy's models are packages of their own and do not come with spaCy. spacy.load(name) looks for an installed package, a "
        "link or a folder of that name and found none (E050).",
        signs=(
            Sign(r"No compatible (?:package|model) found for '(?P<model>\w+)'", FAIR),
            ends_in("spacy/util.py", "load_model", code=r"raise (?:IO|OS)Error\("),
            Sign(r"\[E050\] Can't find model '(?P<model>[\w./-]+)'"),
            Sign(r"Can't find model '(?P<model>[a-z]{2}(?:_\w+)?)'"),
            Sign(r"\[E941\] Can't find model '(?P<model>\w+)'"),
            Sign(r"No module named '(?P<model>\w{2}_(?:core|dep|ent|sent|udv)_\w+)'"),
        ),
        fixes=(
            Fix(
                "Download the model with the interpreter that runs: python -m spacy download {model|en_core_web_sm}; then restart the "
                "kernel.",
                ("python -m spacy download {model|en_core_web_sm}", "python -m spacy validate"),
            ),
            Fix(
                "If the shortcut name (en) is used: spaCy 3 knows only full names such as en_core_web_sm.",
                code='nlp = spacy.load("en_core_web_sm")',
            ),
        ),
        decide="python -m spacy info; python -m pip list",
        examples=(
            "✘ No compatible package found for 'en' (spaCy v3.7.2)",
            "OSError: Can't find model 'en'",
            '  File "/opt/v/lib/python3.9/site-packages/spacy/util.py", line 472, in load_model\n    raise IOError(Errors.E050.format(name=name))',
            "OSError: [E050] Can't find model 'en_core_web_trf'. It doesn't seem to be a Python package or a valid path to a data "
            "directory.",
        ),
        counterexamples=("spacy 3.7: loaded model 'en_core_web_sm'",),
    ),
    Cause(
        slug="spacy-text-too-long",
        title="The text is longer than nlp.max_length allows",
        why="spaCy's parser and NER need about 1 GB of memory per 100,000 characters, so texts above nlp.max_length (1,000,000 "
        "characters) are refused (E088).",
        signs=(
            ends_in("spacy/language.py", "make_doc", code=r"raise ValueError\("),
            Sign(r"\[E088\] Text of length (?P<length>\d+) exceeds maximum of (?P<maximum>\d+)"),
            Sign(r"Text of length \d+ exceeds maximum of \d+"),
        ),
        fixes=(
            Fix(
                "Split the text into pieces (paragraphs, chapters) and process them with nlp.pipe.",
                code='docs = list(nlp.pipe(text.split("\\n\\n")))',
            ),
            Fix(
                "Or raise nlp.max_length and switch off parser and ner, which need the memory.",
                code='nlp.max_length = len(text) + 1\ndoc = nlp(text, disable=["parser", "ner"])',
            ),
        ),
        examples=(
            '  File "/opt/v/lib/python3.9/site-packages/spacy/language.py", line 1124, in make_doc\n    raise ValueError(',
            "ValueError: [E088] Text of length 1843221 exceeds maximum of 1000000. The parser and NER models require roughly 1GB",
        ),
        counterexamples=("Text of length 300 processed",),
    ),
    Cause(
        slug="spacy-gpu-unavailable",
        title="spaCy (thinc) cannot use the GPU: CuPy is missing or no GPU was found",
        why="spaCy runs on the GPU through thinc and CuPy (and torch for transformer pipelines). require_gpu() fails when CuPy for this "
        "CUDA version is not installed or CUDA finds no device.",
        signs=(
            Sign(r"installed PyTorch does not support MPS", FAIR, also=(r"(?:thinc|spacy|Cannot use GPU)",)),
            ends_in("thinc/util.py", "require_gpu", code=r"raise ValueError\("),
            Sign(r"No GPU devices detected", also=(r"(?:thinc|spacy|require_gpu)",)),
            Sign(r"Cannot use GPU, CuPy is not installed"),
            Sign(r"Cannot use GPU, no GPUs? (?:is )?(?:were )?detected", FAIR),
            Sign(r"No module named 'cupy'", also=(r"(?:thinc|spacy)",)),
            Sign(r"GPU is not accessible\. Was the library installed correctly", FAIR),
            Sign(r"Can't (?:use|find) (?:the )?GPU.{0,40}(?:spacy|cupy)", FAIR),
            Sign(r"require_gpu\(", FAIR, also=(r"ValueError: (?:No GPU|Cannot use GPU|GPU is not)",)),
        ),
        refines=("module-not-installed", "cuda-unavailable-no-driver"),
        fixes=(
            Fix(
                "Install CuPy for the CUDA version of this machine, with the interpreter that runs (cupy-cuda12x for CUDA 12, "
                "cupy-cuda11x for CUDA 11); transformer pipelines need a CUDA build of torch too.",
                ("nvidia-smi", "python -m pip install -U 'spacy[cuda12x]'", "python -m pip install cupy-cuda12x"),
            ),
            Fix(
                "Where there is no NVIDIA GPU use spacy.prefer_gpu(), which falls back to the CPU.",
                code="spacy.prefer_gpu()  # instead of spacy.require_gpu()",
            ),
        ),
        decide='python -c "import cupy; print(cupy.cuda.runtime.getDeviceCount())"',
        examples=(
            '  File "/opt/v/lib/python3.9/site-packages/spacy/cli/_util.py", line 210, in setup_gpu\n    require_gpu(use_gpu)\n  File "/opt/v/lib/python3.9/site-packages/thinc/util.py", line 189, in require_gpu\n    raise ValueError("No GPU devi',
            '  File "/opt/v/lib/python3.11/site-packages/thinc/util.py", line 200, in require_gpu\n    raise ValueError("No GPU devices '
            'detected")\nValueError: No GPU devices detected',
            "ValueError: Cannot use GPU, CuPy is not installed",
        ),
        counterexamples=("spacy.prefer_gpu() returned False, using the CPU",),
    ),
    Cause(
        slug="cupy-cuda-mismatch",
        title="CuPy is missing, doubled, or made for another CUDA version than the one installed",
        why="CuPy's wheels are made for one CUDA major version each (cupy-cuda11x, cupy-cuda12x) and load that version's libraries. With "
        "another CUDA, or two CuPy packages at once, its import fails.",
        signs=(
            ends_in("cupy/__init__.py", "<module>", code=r"raise ImportError\("),
            Sign(r"CuPy is not correctly installed"),
            Sign(r"CuPy may not function correctly because multiple CuPy packages are installed"),
            Sign(r"Failed to import CuPy"),
            Sign(r"cupy_backends\.cuda\.api\.runtime\.CUDARuntimeError: cudaErrorInsufficientDriver", FAIR),
            Sign(r"CuPy failed to load (?P<library>\S{1,60})"),
            Sign(r"lib\w+\.so[\d.]*: cannot open shared object file", FAIR, also=(r"cupy(?:_backends)?[/\\]",)),
            Sign(r"module 'cupy' has no attribute '\w+'", FAIR),
        ),
        explains=("cuda-runtime-lib-missing", "libcudnn-missing"),
        fixes=(
            Fix(
                "Uninstall every CuPy package and install the one for this CUDA major version.",
                ("python -m pip uninstall -y cupy cupy-cuda11x cupy-cuda12x", "python -m pip install cupy-cuda12x"),
            ),
            Fix("Check the driver's CUDA version (nvidia-smi) first: cupy-cuda12x needs driver 525 or newer.", ("nvidia-smi",)),
        ),
        refines=("cuda-runtime-lib-missing",),
        examples=(
            "  File \"/opt/v/lib/python3.9/site-packages/cupy/__init__.py\", line 19, in <module>\n    raise ImportError(f'''",
            "ImportError: CuPy is not correctly installed.\n\nIf you are using wheel distribution (cupy-cudaXX), make sure that the "
            "version of CuPy",
            '  File "/opt/v/lib/python3.10/site-packages/cupy/__init__.py", line 17, in <module>\n    from cupy import _core\nImportError: libcublas.so.11: cannot open shared object file: No such file or directory',
        ),
        counterexamples=("CuPy 13.3 on device 0",),
    ),
)
