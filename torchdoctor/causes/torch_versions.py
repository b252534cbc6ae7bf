"""Code and torch of different times: torch too old, names that torch removed, local files in torch's way."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

_NEWER = (
    "_dynamo _inductor _scaled_mm accelerator AcceleratorError amax amin aminmax amp are_deterministic_algorithms_enabled asarray "
    "bfloat16 bool BoolTensor broadcast_shapes bucketize clip compile compiler complex64 concat concatenate cond corrcoef cov cummax "
    "cummin diff empty_permuted Event export fft float4_e2m1fn_x2 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz "
    "float8_e8m0fnu floor_divide frombuffer func fx get_autocast_dtype get_autocast_gpu_dtype get_default_device get_device_module "
    "gradient GradScaler heaviside histogram hstack inference_mode int1 int2 int4 is_autocast_cpu_enabled is_complex "
    "is_inference_mode_enabled isin isreal linalg logaddexp logical_not maximum minimum moveaxis movedim mps mtia nan_to_num nanmean "
    "nansum nested nonzero_static OutOfMemoryError permute pi polar quantile rms_norm scatter_reduce searchsorted set_autocast_dtype "
    "set_default_device set_deterministic set_float32_matmul_precision special swapaxes sym_float sym_int sym_max sym_min sym_not "
    "SymBool SymFloat SymInt take_along_dim tensor_split tile true_divide uint1 uint16 uint2 uint32 uint4 uint64 unravel_index "
    "use_deterministic_algorithms view_as_complex view_as_real vmap vstack while_loop xpu"
).replace(" ", "|")
_PARTS = (
    (
        "accelerator amp autograd backends backends.cuda backends.cudnn backends.mps cuda cuda.amp distributed distributions fft linalg mps nn "
        "nn.functional nn.init nn.parallel nn.utils nn.utils.parametrizations onnx optim optim.lr_scheduler profiler random sparse special "
        "utils utils.checkpoint utils.data xpu"
    )
    .replace(".", r"\.")
    .replace(" ", "|")
)


CAUSES = (
    Cause(
        slug="torch-too-old-for-library",
        title="The installed torch is older than the code that uses it needs",
        why="The library (transformers, diffusers, torchvision, a newer project) uses a name that this torch does not have yet, or it "
        "checks the version itself and refuses or switches torch off.",
        signs=(
            Sign(r"name 'nn' is not defined", FAIR, also=(r"site-packages[/\\](?:transformers|diffusers|trl|peft|accelerate)[/\\]",)),
            Sign(
                r"cannot import name '(?P<name>InterpolationMode|\w{3,40}_Weights|get_model|list_models|get_weight|MultiScaleRoIAlign|Conv2dNormActivation|Conv3dNormActivation|sigmoid_focal_loss|box_iou|draw_bounding_boxes|draw_segmentation_masks|make_grid|v2|tv_tensors|datapoints)' from 'torchvision[\w.]*'",
                FAIR,
            ),
            Sign(
                r"module 'torchvision\.(?:transforms(?:\.functional)?|models(?:\.\w+)?|ops|io|utils)' has no attribute '(?P<name>(?!Scale'|RandomSizedCrop'|utils')\w+)'",
                FAIR,
            ),
            Sign(
                r"No module named 'torchvision\.(?P<name>transforms\.v2|tv_tensors|datapoints|io|ops(?:\.\w+)?|models\.(?:feature_extraction|efficientnet|convnext|vision_transformer|swin_transformer|optical_flow|video))'",
                FAIR,
            ),
            Sign(r"module 'torchaudio\.(?:functional|models|pipelines|transforms|utils)' has no attribute '(?P<name>\w+)'", FAIR),
            Sign(r"cannot import name '(?P<name>\w+)' from 'torchaudio\.(?:functional|models|pipelines|transforms)", FAIR),
            Sign(r"torch/extension\.h: No such file", also=(r"torch/lib/include",)),
            Sign(r"torch/extension\.h: No such file", FAIR),
            Sign(r"'torch/extension\.h'(?: file not found|: No such)", FAIR),
            Sign(r"'const at::Type.{0,4} could not bind to an rvalue"),
            Sign(r"type object 'torch\.(?!_C)[\w.]{2,60}' has no attribute '(?P<name>\w+)'", FAIR),
            Sign(r"cannot import name '(?P<name>ReduceOp)'(?! from)", FAIR),
            Sign(rf"module '?torch'? has no attribute '(?P<name>{_NEWER})'"),
            Sign(r"module '?torch\.(?:library|_library)'? has no attribute '(?P<name>\w+)'"),
            Sign(r"module 'torch\.utils\._pytree' has no attribute '(?P<name>\w+)'"),
            Sign(
                r"module 'torch\.(?:amp|backends|nn|nn\.functional|cuda|distributed|fx|compiler|utils|utils\.data|_C\._dynamo)' has no "
                r"attribute '(?P<name>GradScaler|mps|RMSNorm|attention|scaled_dot_product_attention|fsdp|tensor|_tensor|is_compiling|"
                r"is_dynamo_compiling|device_mesh|init_device_mesh|cudnn_sdp_enabled|enable_cudnn_sdp|_symbolic_trace|is_bf16_supported|"
                r"all_gather_into_tensor|_all_gather_base|_reduce_scatter_base|mem_get_info|buffer)'"
            ),
            Sign(r"cannot import name '(?P<name>GradScaler|custom_fwd|custom_bwd)' from 'torch\.amp"),
            Sign(rf"module 'torch\.(?:{_PARTS})' has no attribute '(?P<name>(?!_)\w+)'", FAIR),
            Sign(rf"cannot import name '(?P<name>(?!_)\w+)' from 'torch\.(?:{_PARTS})'", FAIR),
            Sign(
                r"No module named '(?P<name>torch\.(?:distributed\.(?:tensor|_tensor|device_mesh|fsdp|checkpoint|elastic|run|"
                r"_composable)|_dynamo|_inductor|compiler|nn\.attention|accelerator|export|func|fx|ao|library|_export|mps|xpu|nested|"
                r"sparse|monitor|_prims|_subclasses)[\w.]*)'"
            ),
            Sign(
                r"cannot import name '(?P<name>\w+)' from 'torch\.(?:distributed\.(?:tensor|fsdp|device_mesh|_tensor|algorithms)|"
                r"nn\.attention|utils\._pytree|_dynamo|_inductor|library|export|fx|compiler)[\w.]*'",
                FAIR,
            ),
            Sign(r"Disabling PyTorch because PyTorch >= ?(?P<wanted>[\d.]+) is required but found (?P<found>[\d.+\w]+)"),
            Sign(
                r"torch>=?(?P<wanted>[\d.]+\d)[^ ]{0,20} is required for a normal functioning of this module, but found "
                r"torch==(?P<found>[\d.+\w]+)"
            ),
            Sign(
                r"(?:PyTorch|torch) version (?:>=|at least|must be at least|needs to be at least) "
                r"?(?P<wanted>\d[\d.]*\d).{0,40}(?:found|have|got|installed)",
                FAIR,
            ),
            Sign(r"requires? (?:PyTorch|torch)(?: version)? ?(?:>=|at least|or (?:higher|newer)) ?(?P<wanted>[12]\.\d[\d.]*)", FAIR),
            Sign(
                r"requires? torch>=?(?P<wanted>[12]\.[\d.]+), but you have torch (?P<found>[\d.]+)",
                FAIR,
                unless=(r"torch(?:vision|audio) [\d.+cu]+ requires",),
            ),
            Sign(r"infer_schema\(func\): Parameter \w+ has unsupported type", FAIR),
            Sign(r"barrier\(\) got an unexpected keyword argument '(?P<name>device_ids)'"),
            Sign(r"(?<![\w.])load\(\) got an unexpected keyword argument '(?P<name>weights_only|mmap)'", FAIR),
            Sign(r"scaled_dot_product_attention\(\) got an unexpected keyword argument '(?P<name>enable_gqa|scale)'", FAIR),
            Sign(r"register_forward_(?:pre_)?hook\(\) got an unexpected keyword argument '(?P<name>with_kwargs|always_call|prepend)'"),
            Sign(r"load_state_dict\(\) got an unexpected keyword argument '(?P<name>assign)'", FAIR),
            Sign(r"init_process_group\(\) got an unexpected keyword argument '(?P<name>device_id)'"),
            Sign(
                r"checkpoint\(\) got an unexpected keyword argument '(?P<name>use_reentrant)'",
                FAIR,
                unless=(r"gradient_checkpointing_enable",),
            ),
            Sign(r"meshgrid\(\) got an unexpected keyword argument '(?P<name>indexing)'"),
            Sign(r"clip_grad_norm_\(\) got an unexpected keyword argument '(?P<name>error_if_nonfinite|foreach)'", FAIR),
            Sign(r"zero_grad\(\) got an unexpected keyword argument '(?P<name>set_to_none)'", FAIR),
            Sign(r"LayerNorm\.__init__\(\) got an unexpected keyword argument '(?P<name>bias)'", FAIR),
            Sign(
                r"__init__\(\) got an unexpected keyword argument '(?P<name>persistent_workers|prefetch_factor|norm_first|use_orig_params|sync_module_states|gradient_as_bucket_view|static_graph|batch_first)'",
                FAIR,
            ),
            Sign(r"autocast\S{0,12}\(\) got an unexpected keyword argument '(?P<name>dtype|device_type|cache_enabled)'", FAIR),
            Sign(
                r"'Tensor' object has no attribute '(?P<name>untyped_storage|is_mps|is_meta|nan_to_num|index_reduce_?|scatter_reduce_?|tensor_split|mT|mH|isin|moveaxis|swapaxes|broadcast_to)'",
                FAIR,
            ),
            Sign(r"'\w{0,20}Storage' object has no attribute '(?P<name>untyped|nbytes|_new_shared)'", FAIR),
            Sign(rf"cannot import name '(?P<name>{_NEWER})' from 'torch'(?! \(unknown)", FAIR),
            Sign(
                r"module 'torch' has no attribute '(?P<name>argsort|is_autocast_enabled|get_autocast_cpu_dtype|is_inference|is_vulkan_available|_foreach_\w+|compiled_with_cxx11_abi)'"
            ),
            Sign(r"PyTorch SDPA requirements in Transformers are not met"),
            Sign(
                r"(?:PyTorch|torch) ?(?:>=|version)? ?(?P<wanted>[12]\.\d[\d.]{0,6}) (?:or (?:later|above|higher|newer|greater) )?(?:is |are )?required",
                FAIR,
                unless=(r"No matching distribution",),
            ),
            Sign(
                r"requires (?:PyTorch|torch)(?: version)? ?(?:>=|v)? ?(?P<wanted>[12]\.\d[\d.]{0,6}) ?(?:or (?:above|higher|later|newer|greater)|and above|\+(?! ?c))",
                FAIR,
            ),
            Sign(r"(?:PyTorch|torch) version (?:\S{1,20} )?(?:is )?too old", FAIR),
            Sign(r"name '(?P<name>DeviceMesh|init_device_mesh)' is not defined", FAIR),
            Sign(r"'torch\._C\._distributed_c10d\.\w+' object has no attribute '(?P<name>\w+)'", FAIR),
        ),
        unless=(r"partially initialized module 'torch'", r"upgrade torch to at least v2\.6"),
        refines=(
            "module-not-installed",
            "torchvision-version-mismatch",
            "torch-install-broken",
            "library-argument-renamed",
        ),
        explains=(
            "ninja-build-failed",
            "pip-build-failed",
            "cuda-headers-missing",
        ),
        fixes=(
            Fix(
                "Upgrade torch together with torchvision and torchaudio (torch.compiler needs 2.1 or newer, transformers 4.50 and later "
                "too).",
                ("python -m pip install -U torch torchvision torchaudio", 'python -c "import torch; print(torch.__version__)"'),
            ),
            Fix(
                "Or downgrade: install an older version of the library that still supports this torch (transformers 4.49 for torch 2.0).",
                ('python -m pip install "transformers<4.50"',),
            ),
        ),
        decide="pip list | grep -i -e torch -e transformers -e diffusers",
        examples=(
            "ImportError: cannot import name 'InterpolationMode' from 'torchvision.transforms' (/opt/v/lib/python3.8/site-packages/torchvision/transforms/__init__.py)",
            "ModuleNotFoundError: No module named 'torchvision.transforms.v2'",
            "AttributeError: module 'torchvision.models' has no attribute 'ViT_B_16_Weights'",
            "AttributeError: module 'torchaudio.functional' has no attribute 'forced_align'",
            "  File \"/opt/v/lib/python3.10/site-packages/transformers/integrations/tp.py\", line 12, in <module>\n    class Hook(nn.Module):\nNameError: name 'nn' is not defined",
            "g++ -I/opt/v/lib/python3.6/site-packages/torch/lib/include -c ops.cpp\nops.cpp:1:29: fatal error: torch/extension.h: No such file or directory\nninja: build stopped: subcommand failed.",
            "AttributeError: type object 'torch.distributed.ReduceOp' has no attribute 'BAND'",
            "cpu/op.cpp:8:3: error: reference to type 'const at::Type' could not bind to an rvalue of type 'c10::ScalarType'",
            "AttributeError: module 'torch' has no attribute 'compiler'",
            "Disabling PyTorch because PyTorch >= 2.2 is required but found 2.0.1+cu117",
            "ModuleNotFoundError: No module named 'torch.distributed.tensor'",
            "AttributeError: module 'torch.cuda' has no attribute 'mem_get_info'",
            "ImportError: cannot import name 'DeviceMesh' from 'torch.distributed' (/srv/env/lib/python3.10/site-packages/torch/distributed/__init__.py)",
            "    dist.barrier(device_ids=[local_rank])\nTypeError: barrier() got an unexpected keyword argument 'device_ids'",
            "AttributeError: 'Tensor' object has no attribute 'untyped_storage'",
            "ImportError: PyTorch SDPA requirements in Transformers are not met. Please install torch>=2.1.1.",
            "RuntimeError: PyTorch 2.6.0 or later is required, but 2.4.0 is installed",
            "ImportError: This backend requires PyTorch 2.5 or above, found 2.3.1",
            "ImportError: cannot import name 'get_default_device' from 'torch' (/opt/v/lib/python3.10/site-packages/torch/__init__.py)",
        ),
        counterexamples=(
            "NameError: name 'nn' is not defined",
            "AttributeError: module 'torch' has no attribute 'foo_bar_baz'",
            "TypeError: Net.__init__() got an unexpected keyword argument 'n_hidden'",
            "torch 2.5 or later is installed, fast path on",
        ),
    ),
    Cause(
        slug="code-uses-removed-torch-api",
        title="The code uses a name that newer torch, torchvision or torchaudio has removed",
        why="The project was written for an older release. The name it imports was deprecated and then taken away, so the installed "
        "version is too new for it, not broken.",
        signs=(
            Sign(r"No module named 'torch\._si"),
            Sign(r"deprecated since version 1\.\d+ and is now removed"),
            Sign(r"module 'torchtext' has no attribute 'legacy'"),
            Sign(r"No module named 'torch\._six'"),
            Sign(r"cannot import name '\w+' from 'torch\._six'"),
            Sign(r"No module named 'torchvision\.(?:models\.utils|transforms\.functional_tensor)'"),
            Sign(r"cannot import name 'load_state_dict_from_url' from 'torchvision"),
            Sign(r"No module named 'torchtext\.legacy'"),
            Sign(r"module 'torchtext\.data' has no attribute '(?:Field|BucketIterator|TabularDataset|Dataset|get_tokenizer)'"),
            Sign(r"module 'torch' has no attribute '(?:rfft|irfft|symeig|gels|qr_solve|lstsq|eig|solve|matrix_rank)'"),
            Sign(
                r"module 'torchaudio' has no attribute '(?:set_audio_backend|get_audio_backend|list_audio_backends|info|AudioMetaData|io|"
                r"sox_effects|load_wav)'"
            ),
            Sign(r"No module named 'torchaudio\.(?:backend|sox_effects|io|kaldi_io)[\w.]*'"),
            Sign(r"cannot import name '(?:zero_gradients)' from 'torch\.autograd\.gradcheck'"),
            Sign(r"cannot import name '_(?:new_process_group_helper|get_global_rank)\w*' from 'torch\.distributed", FAIR),
            Sign(r"cannot import name 'log' from 'torch\.distributed\.elastic"),
            Sign(r"cannot import name '_download_url_to_file' from 'torch"),
            Sign(r"No module named 'torch\.(?:utils\.ffi|onnx\.symbolic_registry|distributed\.deprecated)'"),
            Sign(r"torch\.utils\.ffi is deprecated"),
            Sign(r"THC/THC\.h: No such file or directory"),
            Sign(r"fatal error: THC/THC\w*\.c?u?h"),
            Sign(r"Cannot open include file: 'THC/THC\w*\.c?u?h'"),
            Sign(r"\bAT_CHECK\W{1,3}(?:was not declared|is undefined|identifier not found)"),
            Sign(r"\bTHC\w{2,50}\W{1,3}was not declared"),
            Sign(r"\bTHC\w{2,50}\W{1,3}is undefined"),
            Sign(r"\bTHC\w{2,50}\W{1,3}has not been declared"),
            Sign(r"\bTHC\w{2,50}\W{1,3}identifier not found"),
            Sign(r"\bTHCuda\w{2,40}\W{1,3}(?:was not declared|is undefined|identifier not found)"),
            Sign(r"DeprecatedTypeProperties.{0,60}(?:c10|at)::ScalarType"),
            Sign(r"module 'torchvision\.transforms' has no attribute '(?:Scale|RandomSizedCrop)'"),
            Sign(r"cannot import name 'model_urls' from 'torchvision\.models"),
            Sign(r"cannot import name '(?:Field|BucketIterator|TabularDataset|LabelField|Iterator)' from 'torchtext"),
            Sign(r"Legacy autograd function with non-static forward method"),
            Sign(r"cannot import name '(?:SAVE_STATE_WARNING|EPOCH_DEPRECATION_WARNING)' from 'torch\.optim"),
            Sign(r"cannot import name 'amp_definitely_not_available' from 'torch"),
            Sign(r"cannot import name 'DistributedDataParallelCPU' from 'torch"),
            Sign(r"No module named 'torch\._dynamo\.allowed_functions'"),
            Sign(r"No module named 'torch\.nn\.backends"),
            Sign(r"module 'torch\.nn' has no attribute 'backends'"),
            Sign(r"No module named 'torch\.distributed\._sharding_spec'"),
            Sign(r"module 'torch\.onnx' has no attribute '(?:_export|ExportTypes|symbolic_registry)'", FAIR),
        ),
        explains=("ninja-build-failed", "pip-build-failed", "cuda-headers-missing"),
        fixes=(
            Fix(
                "Upgrade the project (or package) that imports the removed name to a version for the installed torch.",
                ("python -m pip install -U PACKAGE",),
            ),
            Fix(
                "Or install the torch release it was written for, with matching torchvision and torchaudio (below 2.0 for torch._six; "
                "torchvision below 0.17 for functional_tensor; torchaudio below 2.9 for its backends; torch below 1.11 for THC/THC.h).",
                ("pip install torch==1.13.1 torchvision==0.14.1 torchaudio==0.13.1",),
            ),
            Fix(
                "Or replace the name in the code.",
                code="from torchvision.transforms.functional import rgb_to_grayscale  # was: transforms.functional_tensor\nstring_classes "
                "= (str, bytes)  # was: from torch._six import string_classes",
            ),
        ),
        refines=("torch-too-old-for-library",),
        examples=(
            "ModuleNotFoundError: No module named 'torch._si",
            "RuntimeError: This function was deprecated since version 1.9 and is now removed. `torch.symeig` is deprecated in favor of `torch.linalg.eigh`.",
            "AttributeError: module 'torchtext' has no attribute 'legacy'",
            "    from torch._six import container_abcs\nModuleNotFoundError: No module named 'torch._six'",
            "ModuleNotFoundError: No module named 'torchvision.transforms.functional_tensor'",
            "/opt/ext/src/nms.cpp:9: error: 'AT_CHECK' was not declared in this scope; did you mean 'CHECK'?",
            'src/roi.cu(120): error: identifier "THCudaMalloc" is undefined',
            "RuntimeError: Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd function with static forward method.",
            "AttributeError: module 'torchvision.transforms' has no attribute 'Scale'",
            "ImportError: cannot import name 'model_urls' from 'torchvision.models.resnet' (/opt/v/lib/python3.10/site-packages/torchvision/models/resnet.py)",
        ),
        counterexamples=("ModuleNotFoundError: No module named 'six'",),
    ),
)
