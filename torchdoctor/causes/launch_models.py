"""Models and checkpoints that do not fit the number of processes."""

from __future__ import annotations

from torchdoctor.api import FAIR, Cause, Fix, Sign

CAUSES = (
    Cause(
        slug="no-checkpoint-files",
        title="No checkpoint shard was found in the directory given (MP=0)",
        why="The loader counts the *.pth files in ckpt_dir and compares their number with the world size. Zero means that the path is "
        "wrong or holds no downloaded weights, so the message about the world size misleads.",
        signs=(
            Sign(r"Loading a checkpoint for MP=0 but world size is"),
            Sign(r"AssertionError: no checkpoint files found in (?P<path>\S+)"),
            Sign(r"no checkpoint files found in", FAIR),
            Sign(r"checkpoints\[(?:get_model_parallel_rank\(\)|local_rank|rank)\].{0,80}IndexError: list index out of range", FAIR),
        ),
        fixes=(
            Fix(
                do="Point ckpt_dir (--ckpt_dir) at the folder that holds the consolidated.*.pth files, as a correct path for the current "
                "working directory; if the folder is empty, download the weights (the original .pth format, not the Hugging Face "
                "safetensors).",
                commands=("ls -l /path/to/ckpt_dir/*.pth",),
            ),
        ),
        wrong_advice="The world size is not the fault here: no number of processes fits zero checkpoint files.",
        examples=(
            "AssertionError: Loading a checkpoint for MP=0 but world size is 2",
            "AssertionError: no checkpoint files found in ./weights/7b-chat",
        ),
        counterexamples=("AssertionError: Loading a checkpoint for MP=4 but world size is 1",),
    ),
    Cause(
        slug="model-parallel-mismatch",
        title="The checkpoint has {shards|another number of} model-parallel shards and {world|another number of} processes were started",
        why="Original Llama checkpoints are split into consolidated.NN.pth shards, one for each process of the model-parallel group. The "
        "number of processes has to equal the number of shards.",
        signs=(
            Sign(r"Loading a checkpoint for MP=(?P<shards>[1-9]\d*) but world size is (?P<world>\d+)"),
            Sign(r"model_parallel_size(?: ==|\) ==|=) ?len\(.{0,40}checkpoints.{0,200}AssertionError", FAIR),
            Sign(
                r"(?P<kind>tensor|pipeline)_model_parallel_size value from checkpoint \((?P<saved>\d+)\) is not equal to the input argument value \((?P<asked>\d+)\)"
            ),
            Sign(r"parallel_size value from checkpoint \(\d+\) is not equal to the input argument value"),
            Sign(r"Engine world size \(?(?P<shards>\d+)\)? != Runtime world size \(?(?P<world>\d+)\)?"),
            Sign(r"MPI worldSize is expected to be equal to tp ?\* ?pp"),
            Sign(r"mpiSize == tp ?\* ?pp"),
            Sign(r"No such file or directory: .{0,200}mp_rank_\d\d\S{0,40}model_optim_rng\.pt", FAIR),
            Sign(r"Loading a checkpoint for MP=[1-9]\d* but world size", FAIR),
        ),
        fixes=(
            Fix(
                do="Start as many processes as the checkpoint has shards: --nproc_per_node {shards} (7B/8B: 1, 13B: 2, 65B/70B: 8), on a "
                "machine with {shards} GPUs.",
                commands=("torchrun --nproc_per_node {shards} script.py",),
            ),
            Fix(
                do="Make nproc_per_node equal the number of consolidated.*.pth files in ckpt_dir. With fewer GPUs than shards, use the "
                "Hugging Face format of the model with device_map, which does not depend on the number of processes, or reshard the "
                "checkpoint."
            ),
            Fix(
                do="Start with the parallel sizes that the checkpoint was saved with ({kind} model parallel size {saved}: --{kind}-model-parallel-size {saved}), or convert (reshard) the checkpoint to {asked} with Megatron's tools/checkpoint/convert.py."
            ),
            Fix(
                do="Megatron, NeMo and TensorRT-LLM: tensor parallel (TP) x pipeline parallel (PP) size must be the same as in the checkpoint or engine. Give the same sizes and as many processes (mpirun -n TP*PP), or convert / rebuild it for the sizes you want."
            ),
        ),
        examples=(
            "AssertionError: Loading a checkpoint for MP=8 but world size is 2",
            "AssertionError: Loading a checkpoint for MP=1 but world size is 2",
            "AssertionError: tensor_model_parallel_size value from checkpoint (4) is not equal to the input argument value (8).",
            "AssertionError: Engine world size (2) != Runtime world size (1)",
            "[TensorRT-LLM][ERROR] Assertion failed: With communicationMode kLEADER, MPI worldSize is expected to be equal to tp*pp when participantIds are not specified",
        ),
        counterexamples=(
            "AssertionError: Loading a checkpoint for MP=0 but world size is 1",
            "AssertionError: world size (6) is not divisible by tensor model parallel size (4)",
        ),
    ),
    Cause(
        slug="accelerate-device-map-auto",
        title="A model loaded with device_map is trained in several processes",
        why='device_map="auto" spreads one copy of the model over all GPUs for one process. Under a distributed launch every process '
        "would do that on the same GPUs, so accelerate refuses it.",
        signs=(
            Sign(r"can['’]t train a model that has been loaded with .{0,3}device_map=.auto.{0,4}in any distributed mode"),
            Sign(
                r"can['’]t train a model that has been loaded in (?:4|8)-bit (?:precision )?(?:or 4-bit precision )?on a different device "
                r"than the one"
            ),
            Sign(r"device_map.{0,60}(?:in any distributed mode|not compatible with (?:DeepSpeed|distributed)|low_cpu_mem_usage)", FAIR),
            Sign(r"DeepSpeed Zero-3 is not compatible with .{0,3}low_cpu_mem_usage=True.{0,30}device_map"),
            Sign(r"can['’]t train a model that has been loaded with .{0,3}device_map"),
            Sign(r"DeepSpeed Zero-?3 is not compatible with.{0,60}device_map"),
            Sign(r"can['’]t train a model that has been loaded in (?:4|8)-bit precision with CPU or disk offload"),
        ),
        fixes=(
            Fix(
                do='Load the model without device_map="auto" and let the launcher place one copy per process; for quantised models put '
                "the whole model on this process's own GPU.",
                code='model = AutoModelForCausalLM.from_pretrained(name, device_map={{"": PartialState().local_process_index}})  # or no '
                "device_map at all",
            ),
            Fix(
                do="Or keep device_map and start a single process.",
                commands=("python train.py", "accelerate launch --num_processes=1 train.py"),
            ),
        ),
        examples=(
            "ValueError: You can't train a model that has been loaded with `device_map='auto'` in any distributed mode. Please rerun your "
            "script specifying `--num_processes=1` or by launching with `python {{myscript.py}}`.",
            "ValueError: DeepSpeed Zero-3 is not compatible with `low_cpu_mem_usage=True` or with passing a `device_map`.",
            "ValueError: You can't train a model that has been loaded in 8-bit precision with CPU or disk offload. If you want train the 8-bit model in CPU, please install bitsandbytes with multi-backend",
            "ValueError: DeepSpeed Zero-3 is not compatible with passing a `device_map`.",
        ),
        counterexamples=(
            "UserWarning: Some parameters are on the meta device because they were offloaded to the cpu; device_map='auto' was used",
        ),
        refines=("accelerate-model-to-after-dispatch",),
    ),
)
