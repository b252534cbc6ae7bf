"""CUDA graphs: capture and replay."""

from torchdoctor.api import FAIR, STRONG, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

_NO_GRAPH = Fix(
    do="Or leave that part outside of the graph, or use no CUDA graph: enforce_eager=True (vLLM), --disable-cuda-graph (SGLang), a "
    "torch.compile mode "
    "other than reduce-overhead.",
)

CAPTURE = Cause(
    slug="cuda-graph-capture",
    title="Something that is not allowed ran while a CUDA graph was being captured",
    why="During capture nothing may wait for the GPU or use another stream: no .item(), .cpu(), print of a tensor, synchronize, "
    "cudaMalloc by a library, host "
    "copy from pageable memory, and no first-time initialisation.",
    signs=(
        Sign(r"operation not permitted when stream is capturing"),
        Sign(r"operation would make the legacy stream depend on a capturing"),
        Sign(r"operation failed due to a previous error during capture"),
        Sign(r"cudaErrorStreamCapture\w+"),
        Sign(r"CUDA_ERROR_STREAM_CAPTURE_\w+"),
        Sign(r"Cannot (?:call|copy|prepare|use) .{0,120}(?:during|while) .{0,20}(?:CUDA )?graph captur", STRONG),
        Sign(r"(?:during|while) (?:CUDA )?graph capture", FAIR, also=(r"Error",), near=300),
        Sign(r"dependency created on uncaptured work in another stream"),
        Sign(r"capturing stream has unjoined work"),
        Sign(r"is not allowed (?:during|while) .{0,20}(?:stream|graph) captur"),
        Sign(r"Offset increment outside graph capture encountered unexpectedly"),
        Sign(r"CUDA graphs must be captured on a non-default stream"),
        Sign(r"_tensor_str\.py", FAIR, also=(r"capture_begin",), unless=(r"out of memory",), near=8000),
        Sign(r"_tensor_str\.py", FAIR, also=(r"cuda_?graph_runner",), unless=(r"out of memory",), near=8000),
        # a tensor is formatted for the log of a collective, which copies it to the host
        Sign(r"_get_msg_dict.{0,600}?_tensor_str\._str\(", FAIR),
        Sign(r"Capture (?:cuda|CUDA) graph failed"),
        Sign(r"(?:CUDA|HIP)[ _]?graph (?:capture|capturing) (?:failed|error)", FAIR),
        Sign(r"hipErrorStreamCapture\w+"),
        Sign(r"(?:operation|call) (?:is )?not (?:permitted|allowed) (?:when|while|during) .{0,20}captur"),
        Sign(r"Cannot capture (?:the )?(?:cuda|CUDA) ?graph", FAIR),
        Sign(r"stream capture (?:was |has been )?(?:invalidated|implicit|isolation|merge|unjoined|unmatched|wrong thread)"),
        Sign(r"not permitted under CUDA graph capture", FAIR),
        Sign(r"CUDA graph capture on the stream has failed", FAIR),
        ends_in("torch/cuda/graphs.py", "capture_end|__exit__"),
    ),
    fixes=(
        Fix(
            do="Take what synchronises out of the captured part: .item(), .cpu(), .tolist(), print or debug logging of tensors (for "
            "example a distributed debug "
            "log), torch.cuda.synchronize(), boolean indexing and data-dependent sizes.",
        ),
        Fix(
            do="Warm up before capture on a side stream (a few iterations, so that libraries initialise and allocate), capture with "
            "static input buffers, and "
            "have every operation use the current stream.",
            code="s = torch.cuda.Stream()\nwith torch.cuda.stream(s):\n    for _ in range(3):\n        "
            "step()\ntorch.cuda.current_stream().wait_stream(s)\n"
            "g = torch.cuda.CUDAGraph()\nwith torch.cuda.graph(g):\n    step()",
        ),
        Fix(
            do='If another thread does the forbidden call (a data loader, NCCL watchdog), capture with capture_error_mode="thread_local".',
            code='with torch.cuda.graph(g, capture_error_mode="thread_local"): ...',
        ),
        _NO_GRAPH,
    ),
    explains=("nccl-watchdog-abort", "peer-rank-died-elsewhere", "illegal-memory-access"),
    examples=(
        '  File "/srv/inf/graph.py", line 33, in capture\n    n = mask.sum().item()\nRuntimeError: CUDA error: operation not permitted '
        "when stream is capturing",
        "RuntimeError: CUDA error: operation failed due to a previous error during capture",
        '  File "/opt/env/lib/python3.10/site-packages/torch/distributed/c10d_logger.py", line 56, in _get_msg_dict\n    "args": '
        'f"{args}, {kwargs}",\n'
        '  File "/opt/env/lib/python3.10/site-packages/torch/_tensor_str.py", line 708, in _str\n'
        "    return torch._tensor_str._str(self, tensor_contents=tensor_contents)",
        "[W] The CUDA graph capture on the stream has failed.\n[W] The built TensorRT engine contains operations that are not permitted under CUDA graph capture mode.",
        '  File "/opt/env/lib/python3.10/site-packages/torch/cuda/graphs.py", line 182, in __exit__\n    self.cuda_graph.capture_end()',
    ),
    counterexamples=("Capturing CUDA graph shapes: 100%|####| 35/35 [00:21<00:00]",),
)

OVERWRITTEN = Cause(
    slug="cudagraph-output-overwritten",
    title="An output of a CUDA graph was used after a later run had overwritten it",
    why='torch.compile(mode="reduce-overhead") replays graphs into the same memory, so a tensor of an earlier run is gone after the next '
    "one.",
    signs=(
        Sign(r"accessing tensor output of CUDAGraphs that has been overwritten by a subsequent run"),
        Sign(r"output of CUDAGraphs that has been overwritten"),
        Sign(r"CUDAGraphs .{0,60}overwritten by a (?:subsequent|later) run"),
        Sign(r"call torch\.compiler\.cudagraph_mark_step_begin\(\) before each model invocation"),
    ),
    fixes=(
        Fix(
            do="Clone what you keep, outside of the compiled function, or mark each step with torch.compiler.cudagraph_mark_step_begin().",
            code="torch.compiler.cudagraph_mark_step_begin()\nout = model(x).clone()",
        ),
        _NO_GRAPH,
    ),
    examples=(
        "RuntimeError: Error: accessing tensor output of CUDAGraphs that has been overwritten by a subsequent run. To prevent overwriting, "
        "clone the tensor outside of torch.compile() or call torch.compiler.cudagraph_mark_step_begin() before each model invocation.",
    ),
    counterexamples=("checkpoint was overwritten by a subsequent run",),
)

CAUSES = (CAPTURE, OVERWRITTEN)
