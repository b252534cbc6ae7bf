"""The packages that tokenizers need, and protobuf, which some of them read their files with."""

from torchdoctor.api import FAIR, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="tokenizer-dependency-missing",
        title="The tokenizer needs a package that is not installed: sentencepiece, tiktoken or protobuf",
        why="Without a ready tokenizer.json transformers converts the slow tokenizer's files, which it reads with sentencepiece and "
        "protobuf (or tiktoken). They are not installed, so it can neither load nor convert.",
        signs=(
            Sign(r"local variable '?sentencepiece_model_pb2\b"),
            Sign(r"read the intrinsics of your spm_file"),
            Sign(r"required protobuf file, in order to use this function", FAIR),
            ends_in("transformers/convert_slow_tokenizer.py", "import_protobuf"),
            ends_in("transformers/tokenization_utils_fast.py", "__init__", code=r"raise ValueError\("),
            ends_in("transformers/tokenization_utils_tokenizers.py", "__init__", code=r"raise ValueError\("),
            ends_in("transformers/convert_slow_tokenizer.py", "convert_slow_tokenizer", code=r"raise ValueError\("),
            Sign(r"Cannot instantiate this tokenizer from a slow version"),
            Sign(r"requires the SentencePiece library but it was not found"),
            Sign(r"requires the protobuf library but it was not found"),
            Sign(r"`?sentencepiece`? (?:is not installed|needs to be installed|is required)", FAIR),
            Sign(r"`?tiktoken`? is required to read a `?tiktoken`? file"),
            Sign(r"Couldn't instantiate the backend tokenizer from one of"),
            Sign(r"You need to have sentencepiece (?:or tiktoken )?installed to convert a slow tokenizer to a fast one"),
            Sign(r"requires the tiktoken library", FAIR),
            Sign(r"No module named '(?:sentencepiece|tiktoken|google\.protobuf|google)'"),
            Sign(r"Converting from SentencePiece and Tiktoken failed"),
            Sign(r"requires the (?:jieba|fugashi|rjieba|mecab|sacremoses|ftfy|pyctcdecode|unidic_lite|rhoknp|Cython) library", FAIR),
            Sign(r"You need to install (?:fugashi|sacremoses|pyctcdecode|unidic_lite|rhoknp|pythainlp|emoji)", FAIR),
            Sign(r"`?blobfile`? is not installed", FAIR),
            Sign(r"Converting from (?:Tiktoken|SentencePiece) failed"),
            Sign(r"\(1\).{0,120}`?tokenizers`?.{0,160}\(2\).{0,200}\(3\).{0,300}sentencepiece", FAIR),
            Sign(r"sentencepiece.{0,20}(?:instalado|instalada|installé|installiert|установлен|已安装)", FAIR),
        ),
        refines=("module-not-installed",),
        fixes=(
            Fix(
                "Install sentencepiece, protobuf and tiktoken in the interpreter that runs and restart the kernel.",
                ("python -m pip install sentencepiece protobuf tiktoken",),
            ),
            Fix(
                "If they are installed, the tokenizer's files are incomplete (tokenizer.model or tokenizer.json): download them again, "
                "or upgrade transformers.",
                ("python -m pip install -U transformers tokenizers",),
            ),
        ),
        examples=(
            "UnboundLocalError: local variable 'sentencepiece_model_pb2' referenced before assignment",
            "UnboundLocalError: cannot access local variable 'sentencepiece_model_pb2' where it is not associated with a value",
            "Exception: You don't seem to have the required protobuf file, in order to use this function you need to run `wget sentencepiece_model_pb2.py` for us to be able to read the intrinsics of your spm_file.",
            '  File "/opt/v/lib/python3.9/site-packages/transformers/tokenization_utils_fast.py", line 120, in __init__\n    raise ValueError(',
            "ValueError: Cannot instantiate this tokenizer from a slow version. If it's based on sentencepiece, make sure you have "
            "sentencepiece installed.",
            "ImportError: LlamaTokenizer requires the SentencePiece library but it was not found in your environment.",
            "ValueError: Couldn't instantiate the backend tokenizer from one of: (1) a `tokenizers` library serialization file, (2) a slow tokenizer instance to convert or (3) an equivalent slow tokenizer class to instantiate and convert. You need to have sentencepiece installed to convert a slow tokenizer to a fast one.",
        ),
        counterexamples=("tokenizer loaded from tokenizer.json",),
    ),
    Cause(
        slug="tokenizers-version-mismatch",
        title="The installed tokenizers version is outside of what this transformers allows",
        why="transformers checks at import that tokenizers lies in the range it was tested with. Here it finds {found|another version}.",
        signs=(
            Sign(r"Try: `?pip install (?:-U transformers|transformers -U)`? or .{0,3}pip install -e", FAIR),
            ends_in("transformers/utils/versions.py", "_compare_versions", code=r"raise ImportError\("),
            ends_in("transformers/dependency_versions_check.py", "<module>"),
            Sign(
                r"(?P<wanted>tokenizers[<>=!][\w.,<>=!]{1,60}) is required for a normal functioning of this module, but found "
                r"tokenizers==(?P<found>[\w.]+)"
            ),
            Sign(r"transformers \S{1,20} requires (?P<wanted>tokenizers[\w.,<>=!]{1,60}), but you have tokenizers (?P<found>\d[\w.]*)"),
            Sign(
                r"huggingface[-_]hub[<>=!][\w.,<>=!]{1,60} is required for a normal functioning of this module, but found "
                r"huggingface[-_]hub==(?P<found>[\w.]+)",
                FAIR,
            ),
            Sign(r"cannot import name '\w+' from 'tokenizers[\w.]*'", FAIR),
        ),
        fixes=(
            Fix(
                "Install the tokenizers version that transformers asks for ({wanted|see the message}), with the interpreter that runs.",
                ("python -m pip install '{wanted}'",),
            ),
            Fix(
                "Or install (upgrade or downgrade to) another version of transformers together with its tokenizers, so that pip chooses "
                "both.",
                ("python -m pip install -U transformers tokenizers",),
            ),
        ),
        wrong_advice="'pip install transformers -U' alone can widen the gap if pip leaves tokenizers where it is.",
        examples=(
            "Try: `pip install transformers -U` or `pip install -e '.[dev]'` if you're working with git main",
            '  File "/opt/v/lib/python3.9/site-packages/transformers/utils/versions.py", line 44, in _compare_versions\n    raise ImportError(',
            "ImportError: tokenizers>=0.21,<0.22 is required for a normal functioning of this module, but found tokenizers==0.19.1.",
            "ImportError: cannot import name 'DecodeStream' from 'tokenizers.decoders' (/opt/v/lib/python3.10/site-packages/tokenizers/decoders/__init__.py)",
        ),
        counterexamples=("tokenizers 0.21.0 already satisfied",),
    ),
    Cause(
        slug="protobuf-version-conflict",
        title="protobuf 4 or newer meets generated code made by an older protoc",
        why="Generated *_pb2.py files of before protoc 3.19 cannot be used by protobuf 4 and later. Some package (tensorboard, wandb, "
        "onnx, sentencepiece models, a project's own) still ships such files.",
        signs=(
            Sign(r"Downgrade the protobuf package to 3\.20"),
            Sign(r"but this will use pure-Python parsing", FAIR),
            Sign(r"Protobuf Gencode/Runtime .{0,160}gencode (?P<gencode>\d[\d.]*\d)\S{0,8} runtime (?P<runtime>\d[\d.]*\d)"),
            Sign(r"Protobuf Gencode/Runtime (?:major )?versions?"),
            ends_in("google/protobuf/descriptor.py", "__new__"),
            ends_in("google/protobuf/runtime_version.py", "ValidateProtobufRuntimeVersion|_ReportVersionError"),
            Sign(r"Descriptors (?:can|should )not (?:not )?be created directly"),
            Sign(r"If you cannot immediately regenerate your protos"),
            Sign(r"cannot import name '(?:builder|runtime_version)' from 'google\.protobuf"),
            Sign(r"module 'google\.protobuf\.\w+' has no attribute '\w+'", FAIR),
            Sign(r"'MessageFactory' object has no attribute 'GetPrototype'"),
            Sign(r"Detected incompatible Protobuf Gencode/Runtime versions"),
            Sign(r"Descriptors (?:can|should) ?not (?:not )?be cre"),
            Sign(r"Message\._CheckCalledFromGeneratedFile\(\)", FAIR),
            Sign(r"Couldn't build proto file into descriptor pool"),
            Sign(r"compiled against version \S{1,12} of the Protocol Buffer runtime library"),
            Sign(r"File already exists in database: \S{1,120}\.proto"),
            Sign(r"'FieldDescriptor' object has no attribute '\w+'", FAIR),
        ),
        fixes=(
            Fix(
                "The generated code was made by protoc {gencode}, and the installed protobuf is {runtime}: upgrade protobuf to {gencode} or newer (or take a version of the package whose generated code fits).",
                ('python -m pip install -U "protobuf>={gencode}"',),
            ),
            Fix("Install protobuf<=3.20.x (downgrade) in this environment.", ('python -m pip install "protobuf<=3.20.3"',)),
            Fix(
                "Or upgrade the package whose generated code is old (the last frame before google/protobuf names it).",
                ("python -m pip install -U PACKAGE",),
            ),
            Fix("As a slow stopgap use protobuf's Python implementation.", ("export PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python",)),
        ),
        decide="python -m pip show protobuf",
        examples=(
            " 1. Downgrade the protobuf package to 3.20.x or lower.\n 2. Set PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python (but this will use pure-Python parsing and will be much slower).",
            "google.protobuf.runtime_version.VersionError: Detected mismatched Protobuf Gencode/Runtime major versions when loading a.proto: gencode 6.31.1 runtime 5.29.5. Same major version is required.",
            '  File "/opt/v/lib/python3.9/site-packages/google/protobuf/runtime_version.py", line 83, in _ReportVersionError\n    raise VersionError(msg)',
            "TypeError: Descriptors cannot be created directly.\nIf this call came from a _pb2.py file, your generated code is out of date",
            "[libprotobuf FATAL google/protobuf/stubs/common.cc:83] This program was compiled against version 3.9.2 of the Protocol Buffer runtime library, which is not compatible with the installed version (3.19.4).",
            "TypeError: Couldn't build proto file into descriptor pool: duplicate file name sentencepiece_model.proto",
            '  File "/opt/v/lib/python3.8/site-packages/google/protobuf/descriptor.py", line 560, in __new__\n    _message.Message._CheckCalledFromGeneratedFile()\nTypeError: Descriptors cannot not be cre',
        ),
        counterexamples=("protobuf 5.29 installed",),
    ),
)
