"""Floating-point formats: mixed dtypes, formats that a device lacks, labels that are not integers."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

_SMALL = r"(?:c10::)?(?:float|half|bfloat16|bf16|float16|float32|Float8_\w+)"
_PAIR = rf"(?P<one>(?:struct )?{_SMALL})"
_OTHER = rf"(?P<two>(?:struct )?{_SMALL})"
_WHOLE = r"(?:unsigned char|signed char|long(?: long| int)?|int|short(?: int)?|bool|Byte|Char|Long|Int|Short|Bool)"

_DOUBLE = (r"(?:weight|bias|Input) type \(\S{0,12}Double",)

CAUSES = (
    Cause(
        slug="dtype-mismatch",
        title="One operation got tensors of different floating-point dtypes ({one|one dtype} and {two|another})",
        why="Matrix products and convolutions need one dtype. Part of the model (an adapter, a layer norm or lm_head kept in float32) "
        "or the input was not cast when the rest was "
        "loaded in half precision, or autocast is not active around this call.",
        signs=(
            Sign(rf"expected (?:mat1|m1|self) and (?:mat2|m2) to have the same dtype, but got: {_PAIR} != {_OTHER}"),
            Sign(rf"mat1 and mat2 must have the same dtype, but got {_PAIR} and {_OTHER}\b"),
            Sign(rf"expected scalar type {_PAIR} but found {_OTHER}\b"),
            Sign(rf"expected (?:scalar type|dtype) {_PAIR} but got (?:scalar type|dtype) {_OTHER}\b"),
            Sign(r"Expected object of scalar type (?P<one>Float|Half|BFloat16) but got scalar type (?P<two>Float|Half|BFloat16)\b"),
            Sign(rf"Input type \({_PAIR}\) and (?:weight|bias) type \({_OTHER}\) should be the same"),
            Sign(
                r"Input type \(torch\.(?:cuda\.)?(?P<one>Float|Half|BFloat16)Tensor\) and (?:weight|bias) type "
                r"\(torch\.(?:cuda\.)?(?P<two>Half|BFloat16)Tensor\)"
            ),
            Sign(
                r"Input type \(torch\.(?:cuda\.)?(?P<one>Half|BFloat16)Tensor\) and (?:weight|bias) type "
                r"\(torch\.(?:cuda\.)?(?P<two>Float)Tensor\)"
            ),
            Sign(
                r"Input type \(torch\.(?:cuda\.)?(?P<one>Byte|Char|Long|Int|Short|Bool)Tensor\) and (?:weight|bias) type "
                r"\(torch\.(?:cuda\.)?(?P<two>\w+)Tensor\)"
            ),
            Sign(rf"Input type \((?P<one>{_WHOLE})\) and (?:weight|bias) type \({_OTHER}\)"),
            Sign(rf"to have the same dtype, but got: (?P<one>{_WHOLE}) != {_OTHER}"),
            Sign(rf"to have the same dtype, but got: {_PAIR} != (?P<two>{_WHOLE})\b"),
            Sign(rf"must have the same dtype, but got (?P<one>{_WHOLE}) and {_OTHER}\b"),
            Sign(rf"must have the same dtype, but got {_PAIR} and (?P<two>{_WHOLE})\b"),
            Sign(r"expected scalar type (?P<one>Float|Half|BFloat16) but found (?P<two>Byte|Char|Int|Long|Short|Bool)\b"),
            Sign(r"Input type \(MPS(?P<one>\w+)Type\) and (?:weight|bias) type \(MPS(?P<two>\w+)Type\) should be the same"),
            Sign(r"Expected query, key, and value to have the same dtype"),
            Sign(
                r"Index put requires the source and destination dtypes match, got (?P<one>\w+) for the destination and (?P<two>\w+) "
                r"for the source"
            ),
            Sign(r"(?:self and mat2|mat1 and mat2|q, k, v|query and key) must have the same dtype"),
            Sign(r"Expected attn_mask dtype to be bool or (?:float or )?to match query dtype"),
            Sign(r"input dtype \((?P<one>[\w.]+)\) does not match weight dtype \((?P<two>[\w.]+)\)"),
            Sign(r"Promotion for Float8 Types is not supported"),
            Sign(rf"expected (?:input|self) to have .{{0,20}}dtype {_PAIR}.{{0,20}}but got {_OTHER}", FAIR),
            Sign(r"Expected self\.dtype to be equal to src\.dtype"),
            Sign(
                r"parameter tensors? are not (?:at|of) the same dtype, found input tensor with (?P<one>\w+) and parameter tensor with "
                r"(?P<two>\w+)"
            ),
            Sign(r"mixed dtype \(CPU\): (?:expect \w+ to have scalar type|all the inputs must share same datatype)"),
            # types of one device whose names differ
            Sign(r"Input type \((?P<one>torch\.cuda\.\w+|CUDA\w+)\) and (?:weight|bias) type \((?P<two>CUDA\w+)\)", unless=_DOUBLE),
            Sign(r"Input type \((?P<one>CUDA\w+)\) and (?:weight|bias) type \((?P<two>torch\.cuda\.\w+)\)", unless=_DOUBLE),
            Sign(r"Input type \((?P<one>torch\.[A-Z]\w+|CPU\w+)\) and (?:weight|bias) type \((?P<two>CPU\w+)\)", unless=_DOUBLE),
            Sign(r"Input type \((?P<one>CPU\w+)\) and (?:weight|bias) type \((?P<two>torch\.[A-Z]\w+)\)", unless=_DOUBLE),
            Sign(
                r"Input type \((?P<one>c10::\w+|float)\) and (?:weight|bias) type \((?P<two>torch\.\S{1,30})\)",
                FAIR,
                unless=_DOUBLE,
            ),
            Sign(
                r"Expected object of type torch\.(?:cuda\.)?(?P<one>Float|Half|BFloat16)Tensor but found type "
                r"torch\.(?:cuda\.)?(?P<two>Half|BFloat16)Tensor"
            ),
            Sign(
                r"Expected object of type torch\.(?:cuda\.)?(?P<one>Half|BFloat16)Tensor but found type torch\.(?:cuda\.)?(?P<two>Float)Tensor"
            ),
            Sign(
                rf"(?:must|should|to|expected to|need to|have to) (?:all )?(?:have|be) (?:of )?(?:the )?same d?types?\b.{{0,60}}\b{_PAIR}\W.{{0,40}}\b{_OTHER}\b",
                FAIR,
                unless=(r"[Dd]ouble|float64",),
                near=80,
            ),
            Sign(r"masked_scatter_?: expected self and source to have same dtypes"),
            Sign(r"self and source (?:must|expected to) have the same (?:scalar type|dtype)", FAIR, unless=(r"[Dd]ouble",), near=100),
            Sign(r"not the same dtype, found input tensor with (?P<one>\w+) and (?:hidden|parameter) tensor with (?!Double)(?P<two>\w+)"),
            Sign(r"Query/Key/Value should either all have the same dtype"),
            Sign(r"invalid dtype for bias - should match query's dtype"),
            Sign(r"[\"']\w{2,60}_cuda[\"'] not implemented for '(?P<one>Float8_\w+)'"),
            Sign(r"[\"']\w{2,60}_cpu\w{0,20}[\"'] not implemented for '(?P<one>Float8_\w+)'"),
            Sign(r"Input tensors must have same dtype for concatenation", FAIR),
            Sign(r"[Ii]nput dtype .{0,30}does not match (?:the )?(?:weight|model|parameter)s? dtype", FAIR),
            Sign(
                r"\bmat1\b.{1,8}\bmat2\b.{1,40}\b(?P<one>Half|BFloat16|c10::\w+|Float)\b.{1,6}\b(?P<two>Half|BFloat16|c10::\w+|Float)\b",
                FAIR,
            ),
            Sign(r"RuntimeError: .{1,40}\b(?P<one>Half|BFloat16|Float)\b.{1,16}\b(?P<two>Half|BFloat16|Float)\b", FAIR),
            Sign(r"\b(?:Half|Float|BFloat16) but found (?:Half|Float|BFloat16)\b", FAIR),
            Sign(r"the same dtype, but got", FAIR),
            Sign(r"but got scalar type \w+ for argument", FAIR),
        ),
        fixes=(
            Fix(
                "Cast both to one dtype: load the whole model in one dtype (torch_dtype=torch.bfloat16 or float16, or model.to(dtype), "
                ".half(), .float()) and cast the input with x.to(model.dtype).",
                code="x = x.to(model.dtype)          # or: model = model.to(torch.bfloat16)",
            ),
            Fix(
                "Or run the forward pass (training and generate alike) under autocast, which casts the operands of each product.",
                code='with torch.autocast("cuda", dtype=torch.float16):\n    out = model(**inputs)',
            ),
        ),
        examples=(
            "    return F.linear(input, self.weight, self.bias)\nRuntimeError: expected mat1 and mat2 to have the same dtype, but got: "
            "float != c10::BFloat16",
            "RuntimeError: mat1 and mat2 must have the same dtype, but got Half and Float",
            "RuntimeError: expected scalar type Half but found Float",
            "RuntimeError: Input type (float) and bias type (c10::Half) should be the same",
            "RuntimeError: Input type (torch.cuda.ByteTensor) and weight type (torch.cuda.FloatTensor) should be the same",
            "RuntimeError: mat1 and mat2 must have the same dtype, but got Long and Float",
            "RuntimeError: Expected query, key, and value to have the same dtype, but got query.dtype: float key.dtype: float and "
            "value.dtype: c10::Half instead.",
            "RuntimeError: Index put requires the source and destination dtypes match, got BFloat16 for the destination and Float for "
            "the source.",
            "RuntimeError: Input type (CUDABFloat16Type) and weight type (torch.cuda.HalfTensor) should be the same",
            "RuntimeError: masked_scatter_: expected self and source to have same dtypes but got Half and Float",
            "RuntimeError: addmv input tensors must have the same dtype, but got Half and Float",
            "RuntimeError: \"addmm_cuda\" not implemented for 'Float8_e4m3fn'",
            "RuntimeError: Input and parameter tensors are not the same dtype, found input tensor with Float and parameter tensor with Half",
            "ValueError: Query/Key/Value should either all have the same dtype, or (in the quantized case) Key/Value should have dtype "
            "torch.int32",
        ),
        counterexamples=(
            "RuntimeError: expected scalar type Float but found Double",
            "RuntimeError: expected scalar type Long but found Float",
        ),
    ),
    Cause(
        slug="float64-input",
        title="float64 (double) data met float32 weights",
        why="numpy and pandas compute in float64, and torch.from_numpy keeps that dtype, while the weights of a module are float32. "
        "PyTorch does not convert them by itself.",
        signs=(
            Sign(r"expected scalar type (?:Float|Half|BFloat16) but found Double"),
            Sign(r"expected scalar type Double but found (?:Float|Half|BFloat16)\b"),
            Sign(r"to have the same dtype, but got: (?:double != |\S{1,20} != (?:struct )?double)"),
            Sign(r"must have the same dtype, but got (?:Double and \w+|\w+ and Double)"),
            Sign(r"Input type \((?:double|torch\.(?:cuda\.)?DoubleTensor)\) and (?:weight|bias) type"),
            Sign(r"Input type \(\S+\) and (?:weight|bias) type \((?:double|torch\.(?:cuda\.)?DoubleTensor)\)"),
            Sign(r"Expected object of scalar type (?:Float but got scalar type Double|Double but got scalar type Float)"),
            Sign(r"Expected object of type torch\.(?:cuda\.)?FloatTensor but found type torch\.(?:cuda\.)?DoubleTensor"),
            Sign(r"Expected object of type torch\.(?:cuda\.)?DoubleTensor but found type torch\.(?:cuda\.)?FloatTensor"),
            Sign(r"Found dtype Double but expected Float"),
            Sign(r"expected dtype (?:Double but got dtype Float|Float but got dtype Double)"),
            Sign(r"found input tensor with Double and parameter tensor with"),
            Sign(r"same dtype, but (?:found|got) (?:\w+ and )?Double\b"),
            Sign(r"Variable\[torch\.(?:cuda\.)?FloatTensor\] but found type Variable\[torch\.(?:cuda\.)?DoubleTensor\]"),
            Sign(r"Variable\[torch\.(?:cuda\.)?DoubleTensor\] but found type Variable\[torch\.(?:cuda\.)?FloatTensor\]"),
            Sign(r"combination of arguments - got \((?=[^)]{0,400}FloatTensor)(?=[^)]{0,400}DoubleTensor)", FAIR),
            Sign(r"dtypes match, got (?:Float for the destination and Double|Double for the destination and Float)"),
            Sign(r"result type Double can't be cast to the desired output type Float"),
            Sign(r"RuntimeError: .{1,40}\bFloat\b.{1,16}\bDouble\b", FAIR),
            Sign(r"RuntimeError: .{1,40}\bDouble\b.{1,16}\bFloat\b", FAIR),
            Sign(r"\bDouble but found (?:Float|Half|BFloat16)\b", FAIR),
            Sign(r"\b(?:Float|Half|BFloat16) but found Double\b", FAIR),
        ),
        fixes=(
            Fix(
                "Convert the data to float32 where it enters: x.float() for a tensor, array.astype(np.float32) for numpy (inputs and "
                "float targets alike).",
                code="x = torch.from_numpy(array).float()   # or: array.astype(np.float32)",
            ),
            Fix("Only if double precision is wanted: model.double(), which makes everything float64 and slow on a GPU."),
        ),
        refines=("dtype-mismatch",),
        patch="cast-float",
        examples=(
            "    return F.linear(input, self.weight, self.bias)\nRuntimeError: expected scalar type Float but found Double",
            "RuntimeError: mat1 and mat2 must have the same dtype, but got Double and Float",
            "RuntimeError: Found dtype Double but expected Float",
            "RuntimeError: dot : expected both vectors to have same dtype, but found Double and Float",
            "TypeError: addmm_ received an invalid combination of arguments - got (int, int, torch.DoubleTensor, torch.FloatTensor), but "
            "expected one of",
            "RuntimeError: Input and parameter tensors are not the same dtype, found input tensor with Double and parameter tensor with Float",
            "RuntimeError: Expected object of scalar type Float but got scalar type Double for argument #4 'mat1' in call to _th_addmm",
        ),
        counterexamples=("RuntimeError: expected scalar type Float but found Half",),
    ),
    Cause(
        slug="label-dtype-not-long",
        title="Class targets (or an index) are not int64",
        why="Cross entropy, one_hot and gather need class numbers as int64 (torch.long); the labels came as float or int32, mostly "
        "from numpy or from a float tensor of the dataset.",
        signs=(
            Sign(r"expected scalar type Long but found (?P<found>\w+)"),
            Sign(r"Expected object of scalar type Long but got scalar type (?P<found>\w+) for argument"),
            Sign(
                r"Expected object of type torch\.(?:cuda\.)?LongTensor but found type "
                r"torch\.(?:cuda\.)?(?P<found>Float|Int|Double|Byte)Tensor"
            ),
            Sign(r"\"nll_loss\w*\" not implemented for '(?P<found>\w+)'"),
            Sign(r"\"(?:host|device)_softmax\" not implemented for '(?:Long|Int)'", FAIR),
            Sign(r"one_hot is only applicable to index tensor"),
            Sign(r"(?:gather|scatter|scatter_add|index_add_?|index_select)\(\): Expected dtype int\d+(?:/int64|/int32)? for index"),
            Sign(r"gather\(\): Expected dtype int64 for index"),
            Sign(r"\(\): Expected dtype int(?:32|64)(?: or |/)?(?:int\d+)? for index"),
            Sign(r"tensors used as indices must be long, (?:int, )?(?:byte|bool)"),
            Sign(r"\"log_softmax_\w+\" not implemented for '(?:Long|Int)'", FAIR),
            Sign(r"\b(?:Float|Double)(?:Spatial)?ClassNLLCriterion_updateOutput received an invalid combination of arguments", FAIR),
            Sign(r"(?:target|label)s? (?:must|should|to|expected to) be (?:of )?(?:an? )?(?:d?type )?(?:torch\.)?(?:long|int64)\b", FAIR),
            Sign(r"expected Long (?:target|label)s? but got (?P<found>\w+)", FAIR),
            Sign(
                r"Variable\[torch\.(?:cuda\.)?LongTensor\] but found type Variable\[torch\.(?:cuda\.)?(?P<found>Float|Int|Double|Byte)Tensor\]"
            ),
            Sign(r"\bLong but found (?:Int|Float|Double|Byte)\b", FAIR),
            Sign(r"LongTensor but found type torch", FAIR),
        ),
        fixes=(
            Fix(
                "Convert the targets to int64 before the loss: target = target.long() (or dtype=torch.long where the dataset makes them).",
                code="loss = criterion(logits, target.long())",
            ),
            Fix("Check that logits and target were not swapped in the call: criterion(logits, target)."),
        ),
        examples=(
            "    return torch._C._nn.nll_loss_nd(\nRuntimeError: expected scalar type Long but found Float",
            "RuntimeError: \"nll_loss_forward_reduce_cuda_kernel_2d_index\" not implemented for 'Int'",
            "RuntimeError: one_hot is only applicable to index tensor of type LongTensor.",
            "IndexError: tensors used as indices must be long, int, byte or bool tensors",
            "RuntimeError: index_select(): Expected dtype int32 or int64 for index",
            "RuntimeError: \"log_softmax_lastdim_kernel_impl\" not implemented for 'Long'",
        ),
        counterexamples=("RuntimeError: expected scalar type Float but found Long",),
    ),
    Cause(
        slug="label-dtype-not-float",
        title="Targets of a regression or binary loss are integers where float is needed",
        why="BCE and MSE losses compute with the target as a float of the same dtype as the prediction; integer labels cannot hold the "
        "result.",
        signs=(
            Sign(r"result type Float can't be cast to the desired output type (?:Long|Int|Byte|Short)"),
            Sign(r"Found dtype (?:Long|Int) but expected Float"),
            Sign(r"expected scalar type Float but found (?:Long|Int|Byte|Bool)\b", FAIR),
            Sign(
                r"\"(?:binary_cross_entropy|mse|smooth_l1|huber|l1|bce|kl_div)\w{0,30}\" not implemented for '(?:Long|Int|Bool|Byte|Short)'"
            ),
            Sign(r"Expected object of scalar type Float but got scalar type (?:Long|Int|Byte|Bool)\b"),
            Sign(r"Expected object of type torch\.(?:cuda\.)?FloatTensor but found type torch\.(?:cuda\.)?(?:Long|Int|Byte)Tensor", FAIR),
            Sign(r"expected dtype Float but got dtype (?:Long|Int|Bool|Byte)"),
            Sign(r"mean\(\): could not infer output dtype\. Input dtype must be either a floating point"),
            Sign(r"Can only calculate the mean of floating types"),
            Sign(r"mean\(\): input dtype should be either floating point"),
        ),
        fixes=(
            Fix(
                "Convert the targets (or the input) to float before the call: target.float().",
                code="loss = criterion(logits, target.float())",
            ),
            Fix("For several exclusive classes use CrossEntropyLoss with integer labels instead of BCEWithLogitsLoss."),
        ),
        patch="cast-float",
        examples=(
            "RuntimeError: result type Float can't be cast to the desired output type Long",
            "RuntimeError: Found dtype Long but expected Float",
            "RuntimeError: \"mse_cuda\" not implemented for 'Long'",
            "RuntimeError: Expected object of scalar type Float but got scalar type Long for argument #2 'target' in call to "
            "_thnn_mse_loss_forward",
            "RuntimeError: mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: Long",
        ),
        counterexamples=("RuntimeError: expected scalar type Long but found Float",),
    ),
    Cause(
        slug="embedding-ids-not-integer",
        title="An embedding got ids that are not integers",
        why="An embedding looks rows up by number and takes int64 or int32 ids only; the ids were turned into floats on the way (an "
        "empty list, a division, a float column).",
        signs=(
            Sign(r"Expected tensor for argument #1 'indices' to have (?:one of the following )?scalar types?:? Long.{0,10}; but got"),
            Sign(r"Expected dtype int32 or int64 for index", also=(r"torch\.embedding\(|F\.embedding\(",), near=600),
            Sign(r"scalar type Long but got scalar type Float for argument #3 'index' in call to _th_index_select"),
            Sign(r"embedding\(\): argument 'indices' .{0,20}must be Tensor, not", FAIR),
        ),
        refines=("label-dtype-not-long",),
        fixes=(
            Fix(
                "Keep the token ids integer: input_ids = input_ids.long() before the embedding, and check that the list of ids is not "
                "empty.",
                code="input_ids = input_ids.long()",
            ),
        ),
        examples=(
            "RuntimeError: Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            "torch.FloatTensor instead (while checking arguments for embedding)",
        ),
        counterexamples=("IndexError: index out of range in self",),
    ),
)
