"""Tensors that cannot become numpy arrays as they are."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="numpy-from-cuda",
        title="A tensor on {device|the GPU} was converted to a numpy array",
        why="numpy works on host memory only. The conversion is often implicit: np.array(t), matplotlib, sklearn, pandas or a list of "
        "tensors call it. The copy to the CPU must be written out.",
        signs=(
            Sign(r"can't convert (?P<device>(?:cuda|mps|xpu|npu|hpu)(?::\d+)?) device type tensor to numpy"),
            Sign(r"can't convert CUDA tensor to numpy"),
            Sign(r"Use Tensor\.cpu\(\) to copy the tensor to host memory first"),
            Sign(r"can't convert .{0,40}tensor to numpy", FAIR),
            Sign(r"TypeError: .{1,40}(?P<device>(?:cuda|mps|xpu):\d+).{1,40}numpy", FAIR),
            Sign(r"(?:cannot|can not|unable to) convert (?:a )?(?:CUDA|cuda:\d|mps:\d|GPU) (?:device type )?tensor to (?:a )?numpy", FAIR),
        ),
        fixes=(
            Fix(
                "Copy it to the CPU first: tensor.detach().cpu().numpy(); in lists and sums of losses use loss.item(), for plots and "
                "metrics convert every tensor that way.",
                code="array = tensor.detach().cpu().numpy()",
            ),
        ),
        patch="add-cpu-numpy",
        examples=(
            "    plt.plot(losses)\nTypeError: can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to "
            "host memory first.",
            "TypeError: can't convert mps:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.",
            "TypeError: can't convert CUDA tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.",
            "RuntimeError: cannot convert CUDA tensor to numpy, copy it to the CPU first",
        ),
        counterexamples=("TypeError: can't convert np.ndarray of type numpy.object_.",),
    ),
    Cause(
        slug="numpy-from-bfloat16",
        title="A bfloat16 tensor was converted to a numpy array",
        why="numpy has no bfloat16, so torch refuses the conversion; the tensor comes from a model that was loaded or trained in bf16.",
        signs=(
            Sign(r"data type '?bfloat16'? not understood"),
            Sign(r"can't convert np\.ndarray of type (?:ml_dtypes\.)?bfloat16"),
            Sign(r"Got unsupported ScalarType BFloat16"),
            Sign(r"unsupported ScalarType (?:BFloat16|Float8\w*)"),
            Sign(r"can't convert torch\.bfloat16 tensor to numpy"),
            Sign(r"ScalarType BFloat16 is (?:an )?unsupported"),
        ),
        fixes=(
            Fix(
                "Cast to float32 before the conversion: tensor.float().cpu().numpy() (tensor.to(torch.float32), with .detach() if it "
                "requires grad).",
                code="array = tensor.detach().float().cpu().numpy()",
            ),
            Fix("Or run the model in float16 or float32 instead of bfloat16."),
        ),
        refines=("numpy-from-cuda",),
        examples=(
            "TypeError: data type 'bfloat16' not understood",
            "TypeError: can't convert np.ndarray of type bfloat16. The only supported types are: float64, float32",
            "    emb = out.cpu().numpy()\nTypeError: Got unsupported ScalarType BFloat16",
            "TypeError: can't convert torch.bfloat16 tensor to numpy",
        ),
        counterexamples=("TypeError: BFloat16 is not supported on MPS",),
    ),
    Cause(
        slug="numpy-requires-grad",
        title="numpy() was called on a tensor that is part of the autograd graph",
        why="A tensor that requires grad records operations for the backward pass, which numpy cannot take part in, so the conversion "
        "must detach it first.",
        signs=(
            Sign(r"Can't call numpy\(\) on (?:a )?(?:Tensor|Variable) that requires grad"),
            Sign(r"Use (?:tensor|var)\.(?:detach\(\)|data)\.numpy\(\) instead", FAIR),
            Sign(r"numpy\(\).{0,120}\bgrad\b.{0,100}\.detach\(\)\.numpy\(\)", FAIR),
        ),
        fixes=(
            Fix(
                "Detach it: tensor.detach().numpy() (on a GPU tensor.detach().cpu().numpy()).", code="array = tensor.detach().cpu().numpy()"
            ),
            Fix("For evaluation run the model under with torch.no_grad(): then the outputs do not require grad."),
        ),
        patch="detach-numpy",
        examples=(
            "    ax.scatter(z[:, 0], z[:, 1])\nRuntimeError: Can't call numpy() on Tensor that requires grad. Use "
            "tensor.detach().numpy() instead.",
            "RuntimeError: numpy() kann nicht auf einem Tensor aufgerufen werden, der grad benötigt. Verwenden Sie stattdessen tensor.detach().numpy().",
        ),
        counterexamples=("RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn",),
    ),
    Cause(
        slug="numpy-object-array",
        title="A numpy array of Python objects cannot become a tensor",
        why="The array holds rows of different lengths, None or text, so numpy made an object array; a tensor needs one number type.",
        signs=(
            Sign(r"can't convert np\.ndarray of type (?P<type>numpy\.(?:object_|str_|bytes_|uint\d+|bool_))"),
            Sign(r"invalid data type 'numpy\.(?P<type>str_|object_|bytes_)'", FAIR),
        ),
        fixes=(
            Fix(
                "Make it numeric first: pad rows to one length, drop missing values and convert with array.astype(np.float32) (or "
                "np.int64 for labels).",
                code="x = torch.from_numpy(array.astype(np.float32))",
            ),
        ),
        examples=(
            "TypeError: can't convert np.ndarray of type numpy.object_. The only supported types are: float64, float32, float16, "
            "complex64, int64, int32, int16, int8, uint8, and bool.",
            "TypeError: new(): invalid data type 'numpy.str_'",
        ),
        counterexamples=("TypeError: can't convert cuda:0 device type tensor to numpy.",),
    ),
)
