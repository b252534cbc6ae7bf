"""Ports and files that the processes meet at."""

from __future__ import annotations

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign

_STORE_WORDS = r"TCPStore|c10d|torchrun|torch\.distributed|MASTER_ADDR|rendezvous|init_process_group"


CAUSES = (
    Cause(
        slug="master-port-in-use",
        title="The master port {port|of the job} is already in use",
        why="Rank 0 has to listen on MASTER_PORT (29500 unless told otherwise), and another process holds that port: a second job on this "
        "machine, or one left over from an earlier run.",
        signs=(
            Sign(r"server socket has failed to listen on any local network address", unless=(r"errno: 13 ", "EACCES")),
            Sign(r"server socket has failed to bind to .{0,60}?:(?P<port>\d+) \((?:errno: (?:98|48)|system error: 10048)"),
            Sign(r"launch distributed communication on port `?(?P<port>\d+)`?, but another process is utilizing it"),
            Sign(r"RuntimeError: Address already in use"),
            Sign(r"DistNetworkError: (?:The server socket .{0,120})?(?:EADDRINUSE|Address already in use)"),
            Sign(r"name: EADDRINUSE, message: address already in use"),
            Sign(r"port: (?P<port>\d+), useIpv6: \w+, code: -(?:98|48|4091), name: EADDRINUSE"),
            Sign(r"TCPStore.{0,300}Address already in use"),
            Sign(
                r"OSError: \[Errno (?:98|48)\] Address already in use",
                FAIR,
                also=(_STORE_WORDS,),
                unless=(r"uvicorn|flask|gradio|streamlit|jupyter|tensorboard|http\.server",),
            ),
            Sign(
                r"\[Errno (?:98|48)\] error while attempting to bind on address .{0,60}(?P<port>\d{2,5})\)?:? address already in use",
                WEAK,
                also=(r"torchrun|torch\.distributed",),
            ),
            Sign(r"NCCL WARN Call to bind failed : Address already in use"),
            Sign(
                r"\bPort (?P<port>\d{2,5}) is already in use",
                FAIR,
                also=(_STORE_WORDS + r"|deepspeed launch|accelerate launch|--master_port",),
                unless=(r"uvicorn|flask|gradio|streamlit|jupyter|tensorboard|http\.server",),
            ),
            Sign(
                r"\[WinError 10048\]",
                FAIR,
                also=(_STORE_WORDS,),
                unless=(r"uvicorn|flask|gradio|streamlit|jupyter|tensorboard|http\.server",),
            ),
            Sign(r"\bEADDRINUSE\b", FAIR, also=(_STORE_WORDS,)),
            Sign(r"zmq\.error\.ZMQError: Address already in use", FAIR),
            Sign(r"server socket has failed to listen on .{1,80}(?:errno: \d+ - |message: )Address already in use", WEAK),
        ),
        fixes=(
            Fix(
                do="Choose another free port: --master_port (accelerate: --main_process_port, DeepSpeed: --master_port), or let torchrun "
                "find one with --standalone on a single machine.",
                commands=("torchrun --standalone --nproc_per_node=2 train.py", "torchrun --master_port=29511 --nproc_per_node=2 train.py"),
            ),
            Fix(
                do="Or end the process that holds the port, if it is left over from an earlier run.",
                commands=("ss -ltnp | grep {port|29500}", "lsof -i :{port|29500}"),
            ),
        ),
        explains=("rendezvous-timeout", "peer-rank-died-elsewhere"),
        examples=(
            "RuntimeError: The server socket has failed to listen on any local network address. The server socket has failed to bind to "
            "[::]:29500 (errno: 98 - Address already in use).",
            "ConnectionError: Tried to launch distributed communication on port `29500`, but another process is utilizing it. Please "
            "specify a different port (such as using the `--main_process_port` flag or specifying a different `main_process_port` in your "
            "config file) and rerun your script.",
            "RuntimeError: Address already in use",
            "zmq.error.ZMQError: Address already in use (addr='tcp://127.0.0.1:5557')",
        ),
        counterexamples=(
            'OSError: [Errno 98] Address already in use\n  File "/app/serve.py", line 3, in <module>\n    http.server.test()',
            "[W socket.cpp:426] [c10d] The server socket cannot be initialized on [::]:29500 (errno: 97 - Address family not supported by "
            "protocol).",
        ),
    ),
    Cause(
        slug="master-port-privileged",
        title="The master port {port|given} may not be opened by an ordinary user",
        why="Ports below 1024 need root; some systems reserve further ranges. The bind fails with Permission denied.",
        signs=(
            Sign(r"server socket has failed to bind to .{0,60}?:(?P<port>\d+) \(errno: 13 "),
            Sign(r"server socket has failed to bind to .{0,60}?:(?P<port>\d+) \(system error: 10013"),
            Sign(r"name: EACCES, message: permission denied"),
        ),
        fixes=(
            Fix(
                do="Use a port between 1024 and 65535 for MASTER_PORT / --master_port.",
                commands=("torchrun --master_port=29511 --nproc_per_node=2 train.py",),
            ),
        ),
        refines=("master-port-in-use",),
        examples=(
            "RuntimeError: The server socket has failed to listen on any local network address. The server socket has failed to bind to "
            "0.0.0.0:888 (errno: 13 - Permission denied).",
        ),
        counterexamples=("PermissionError: [Errno 13] Permission denied: '/data/ckpt'",),
    ),
    Cause(
        slug="master-port-invalid",
        title="MASTER_PORT ({port|as given}) is not a valid port number",
        why="A TCP port is a whole number from 1 to 65535. A port made of a job number or of a sum can be larger.",
        signs=(
            Sign(r"port must have value from 0 to 65535 but was (?P<port>-?\d+)"),
            Sign(r"port must be 0-65535", FAIR, also=(_STORE_WORDS,)),
            Sign(r"port number of the rendezvous endpoint '[^']{0,80}?(?P<port>\d*)' must be an integer between 0 and 6553\d"),
            Sign(r"Port could not be cast to integer value", FAIR, also=(_STORE_WORDS,)),
            Sign(r"int\(os\.environ\[['\"]MASTER_PORT['\"]\]\).{0,60}ValueError: invalid literal for int\(\)", FAIR),
        ),
        fixes=(
            Fix(
                do="Set MASTER_PORT / --master_port to a free number between 1024 and 65535, for example 10000 + job number % 50000.",
                commands=("export MASTER_PORT=29511",),
            ),
        ),
        examples=(
            "ValueError: port must have value from 0 to 65535 but was 98211.",
            "ValueError: The port number of the rendezvous endpoint 'localhost:98211' must be an integer between 0 and 65536.",
        ),
        counterexamples=("OverflowError: bind(): port must be 0-65535.",),
    ),
    Cause(
        slug="stale-filestore-init-file",
        title="The file:// rendezvous file of an earlier run is still there",
        why="init_method='file://...' uses the file as the store of the process group. What an earlier, killed run left in it is read as "
        "if it came from this run: wrong addresses, keys that already exist, a hang.",
        signs=(
            Sign(
                r"init_method['\"]?[=:] ?.{0,8}file:/{2,3}",
                FAIR,
                also=(r"Connection refused|Connection reset|timed out|Timeout|connectFullMesh|not found|already",),
            ),
            Sign(r"c10d::FileStore::\w+", FAIR, also=(r"[Tt]imeout|[Tt]imed out",)),
            Sign(r"rendezvous\.py.{0,200}FileStore\(", FAIR),
            Sign(r"Exception raised from FileStore::", FAIR),
            Sign(r"\bFileStore\b.{0,80}[Tt]imeout waiting for key", FAIR),
            Sign(r"_file_rendezvous_handler", FAIR),
            Sign(r"--dist[-_]file", WEAK, also=(r"store based barrier|Connection refused|timed out",)),
            Sign(
                r"\bopen\((?P<file>/[^)\s]{1,300})\): (?:No such file or directory|Permission denied)",
                FAIR,
                also=(r"torch[/\\]distributed|process_group|c10d|FileStore|broadcast_bucket|nn[/\\]parallel",),
            ),
        ),
        fixes=(
            Fix(
                do="Delete the init file before each run, or use a new, unique file name per run; the file must not exist at the start.",
                commands=("rm -f /path/to/shared_init_file",),
                code="init_method = f\"file:///shared/run_{{os.environ['SLURM_JOB_ID']}}\"  # unique for each run",
            ),
            Fix(do='Or use init_method="env://" with torchrun, which needs no file.'),
        ),
        explains=("gloo-wrong-interface", "rendezvous-timeout", "peer-rank-died-elsewhere"),
        examples=(
            "dist.init_process_group('gloo', init_method='file:///shared/sync_file', rank=1, world_size=2)\nRuntimeError: "
            "[../third_party/gloo/gloo/transport/tcp/pair.cc:799] connect [10.0.0.4]:31224: Connection refused",
            '  File "/venv/lib/python3.11/site-packages/torch/distributed/distributed_c10d.py", line 1710, in init_process_group\nRuntimeError: open(/scratch/sync/store_7.bin): No such file or directory',
        ),
        counterexamples=("init_method='file:///shared/sync_file' ok, epoch 1 finished",),
    ),
)
