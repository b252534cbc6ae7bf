"""GPUs and containers: Docker, Podman, Singularity and Kubernetes without the NVIDIA parts."""

from torchdoctor.api import FAIR, Cause, Fix, Sign

_INSTALL_TOOLKIT = (
    "sudo apt-get install -y nvidia-container-toolkit",
    "sudo nvidia-ctk runtime configure --runtime=docker",
    "sudo systemctl restart docker",
    "docker run --rm --gpus all ubuntu nvidia-smi",
)

CAUSES = (
    Cause(
        slug="container-runtime-missing",
        title="The container has no access to the GPU: the NVIDIA container runtime is missing or was not asked for",
        why="A container sees the host's driver only if the NVIDIA Container Toolkit puts the driver's libraries and /dev/nvidia* into "
        "it, and only when it was started with GPU access. The driver and torch inside the image do not help.",
        signs=(
            Sign(r"could not select device driver", FAIR),
            Sign(r"failed to fulfil mount request: open \S{0,120}libnvidia", FAIR),
            Sign(r"Auto-detected mode as .{0,3}(?:legacy|cdi|csv)", FAIR, also=(r"(?:hook|OCI runtime|shim task)",)),
            Sign(r"could not select device driver .{0,12} with capabilities: \[\[[\w, ]{0,30}gpu"),
            Sign(r"unknown or invalid runtime name: nvidia"),
            Sign(r"Unknown runtime specified nvidia"),
            Sign(r"nvidia-container-cli(?:\.real)?: initialization error: load library failed: libnvidia-ml\.so\.1"),
            Sign(r"nvidia-container-cli(?:\.real)?: (?:initialization|detection|device|driver|mount|ldcache) error", FAIR),
            Sign(r'exec: "?nvidia-container-runtime(?:-hook)?"?: executable file not found'),
            Sign(r"nvidia-container-runtime(?:-hook)?.{0,40}(?:no such file or directory|executable file not found)"),
            Sign(r"The NVIDIA Driver was not detected\. {1,2}GPU functionality will not be available"),
            Sign(r"Use (?:the NVIDIA Container Toolkit|'?nvidia-docker run'?) to start this container", FAIR),
            Sign(r"Could not find any NVIDIA libraries on this host"),
            Sign(r"Could not find any nv ?files on this host", FAIR),
            Sign(r"unresolvable CDI devices nvidia\.com/gpu"),
            Sign(r"failed to inject (?:CDI devices|devices from CDI).{0,80}nvidia", FAIR),
            Sign(
                r"docker run (?:--?\w[\w=:/.-]* ){0,12}",
                also=(r"(?:Found no NVIDIA driver on your system|in _check_driver http://www\.nvidia)",),
                unless=(r"--gpus", r"--runtime[= ]nvidia", r"nvidia-docker"),
            ),
            Sign(
                r"docker(?: |-)compose",
                FAIR,
                also=(r"Found no NVIDIA driver on your system",),
                unless=(r"capabilities: \[\[?gpu", r"--gpus"),
            ),
            Sign(r"Found no NVIDIA driver on your system", FAIR, also=(r"root@[0-9a-f]{12}:",)),
            Sign(r"nvidia-smi: (?:command )?not found", FAIR, also=(r"root@[0-9a-f]{12}:",)),
            Sign(r"nvidia-smi: (?:command )?not found", FAIR, also=(r"docker run ",), unless=(r"--gpus", r"--runtime[= ]nvidia")),
            Sign(
                r"docker run (?:--?\w[\w=:/.-]* ){0,12}",
                FAIR,
                also=(r"torch\.cuda\.is_available\(\)\)? ?\W{0,8}(?:\w{3}\[\d+\]: )?(?:>>> )?F(?:al|la)se",),
                unless=(r"--gpus", r"--runtime[= ]nvidia", r"nvidia-docker"),
            ),
            Sign(
                r"executable file not found in .PATH",
                FAIR,
                also=(r"exec: .{0,3}nvidia-smi",),
            ),
            Sign(r"Found no NVIDIA driver on your system", FAIR, also=(r"\bcontainer_?(?:id|name)\b",)),
            Sign(r"Additional properties are not allowed \('devices' was unexpected\)", FAIR),
            Sign(r"Unsupported config option for services\.\w{1,40}: '(?:runtime|gpus|deploy)'", FAIR),
            Sign(r"unknown flag: --gpus"),
            Sign(r"(?:executing|running) hook .{0,3}\S{0,80}nvidia-container"),
            Sign(r"nvidia-docker: (?:command )?not found"),
            Sign(r"stat nvidia\.com/gpu=\S{1,12}: no such file"),
            Sign(r"no known GPU vendor found"),
            Sign(r"failed to stat CDI host device"),
            Sign(r"failed to create NVIDIA Container Runtime"),
            Sign(
                r"nvidia-container-(?:runtime|toolkit|cli)(?:-hook)?\W{0,3} ?(?:is |was )?(?:not (?:found|installed)|: command not found)",
                FAIR,
            ),
            Sign(r"adding custom device .{0,3}/dev/nvidia", FAIR),
            Sign(r"exec: .{0,6}nvidia-smi.{0,6}: executable file not found"),
            Sign(r"nvidia-container-cli.{0,3} not set in singularity\.conf"),
        ),
        unless=(r"requirement error: unsatisfied condition: cuda", r"NVML: Driver/library version mismatch"),
        refines=("cuda-unavailable-no-driver",),
        explains=("cuda-unknown-error", "cuda-no-device-error", "cuda-unavailable-no-driver", "libcuda-missing"),
        fixes=(
            Fix(
                "Install the NVIDIA Container Toolkit (nvidia-container-toolkit, formerly nvidia-docker2) on the host, configure the "
                "runtime and restart docker; then start the container with --gpus all (or --runtime=nvidia).",
                _INSTALL_TOOLKIT,
                who="admin",
                risk="restart",
            ),
            Fix(
                "If the toolkit is there, ask for the GPUs: docker run --gpus all; in a compose file a device reservation; singularity "
                "or apptainer exec --nv; --privileged alone does not bring the driver in.",
                ("docker run --rm --gpus all ubuntu nvidia-smi",),
                code="deploy:\n  resources:\n    reservations:\n      devices:\n        - driver: nvidia\n          count: all\n          "
                "capabilities: [gpu]",
            ),
            Fix(
                "If the host itself shows no GPU in nvidia-smi, install the NVIDIA driver and its libraries on the host first (in a "
                "virtual machine: pass the GPU through).",
                ("nvidia-smi",),
                who="admin",
                risk="disruptive",
            ),
            Fix(
                "With CDI (podman, or docker's --device nvidia.com/gpu=all): generate the CDI specification again after every driver change.",
                ("sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml", "nvidia-ctk cdi list"),
                who="admin",
            ),
            Fix(
                "If /dev/nvidia* does not exist on the host, load the driver's modules there first.",
                ("sudo nvidia-modprobe -u -c=0", "ls -l /dev/nvidia*"),
                who="admin",
            ),
        ),
        decide="docker run --rm --gpus all ubuntu nvidia-smi",
        examples=(
            "failed to fulfil mount request: open /usr/lib/x86_64-linux-gnu/libnvidia-ml.so.550.54.14: no such file or directory",
            "error during container init: error running hook #0: error running hook: exit status 1, stdout: , stderr: Auto-detected mode as 'legacy'",
            'FATAL:   container creation failed: path to "nvidia-container-cli" not set in singularity.conf',
            "unknown flag: --gpus\nSee 'docker run --help'.",
            "Error: stat nvidia.com/gpu=all: no such file or directory",
            "Error: OCI runtime error: crun: error executing hook `/usr/bin/nvidia-container-toolkit` (exit code: 1)",
            'docker: Error response from daemon: error gathering device information while adding custom device "/dev/nvidia0": no such file or directory.',
            'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]].',
            "$ docker run -it --rm trainer:1.2 python main.py\nRuntimeError: Found no NVIDIA driver on your system. Please check that "
            "you have an NVIDIA GPU and installed a driver from http://www.nvidia.com/Download/index.aspx",
            "WARNING: The NVIDIA Driver was not detected.  GPU functionality will not be available.\n   Use the NVIDIA Container Toolkit "
            "to start this container with GPU support; see\n   https://docs.nvidia.com/datacenter/cloud-native/ .",
            "docker: Error response from daemon: unknown or invalid runtime name: nvidia.",
        ),
        counterexamples=(
            "services.web.deploy.replicas must be an integer",
            "$ docker run --rm hello-world\nHello from Docker!",
        ),
    ),
    Cause(
        slug="container-gpu-lost-cgroup",
        title="A running container has lost its GPUs: its device permissions were reset under it",
        why="The container was started with GPUs, then systemd on the host reloaded (daemon-reload, a package update) and rewrote the "
        "container's device cgroup without the NVIDIA devices. The host keeps working, inside the container NVML answers 'Unknown "
        "Error'.",
        signs=(
            Sign(r"Failed to initialize NVML: (?:Unknown Error|ERROR_UNKNOWN)"),
            Sign(r"NVMLError_Unknown: Unknown Error", FAIR),
            Sign(r"Failed to initialize NVML: Insufficient Permissions", FAIR),
            Sign(r"\bNVML\W{1,3}(?:Unknown Error|ERROR_UNKNOWN)", FAIR),
            Sign(r"NVMLError\w{0,20}:? Insufficient Permissions", FAIR),
        ),
        explains=("cuda-no-device-error", "cuda-unknown-error", "cuda-visible-devices-wrong", "cuda-unavailable-no-driver"),
        fixes=(
            Fix(
                "Restart (recreate) the container: it gets its devices back.",
                ("docker restart CONTAINER",),
                risk="restart",
            ),
            Fix(
                "To prevent it: let docker use the cgroupfs driver instead of systemd (native.cgroupdriver=cgroupfs in "
                "/etc/docker/daemon.json), or use CDI, or pass the devices explicitly with --device /dev/nvidia0 --device /dev/nvidiactl "
                "--device /dev/nvidia-uvm.",
                ("sudo nvidia-ctk system create-dev-char-symlinks --create-all", "sudo systemctl restart docker"),
                who="admin",
                risk="restart",
            ),
            Fix(
                "On the host itself: the same message can mean a driver in a bad state; read dmesg and reboot.",
                ("sudo dmesg | grep -i nvrm | tail",),
                who="admin",
                risk="disruptive",
            ),
        ),
        decide="nvidia-smi on the host; it works there while it fails in the container",
        examples=("root@3f1c2ab9d0e4:/workspace# nvidia-smi\nFailed to initialize NVML: Unknown Error",),
        counterexamples=("curl: (56) Unknown error while receiving data",),
    ),
    Cause(
        slug="k8s-gpu-not-advertised",
        title="The Kubernetes node does not offer nvidia.com/gpu",
        why="A pod that asks for nvidia.com/gpu is scheduled only where the NVIDIA device plugin has registered GPUs with the kubelet. "
        "The plugin is missing, or it found no GPU because the node's container runtime is not set to nvidia; or all GPUs are taken.",
        signs=(
            Sign(r"RuntimeClass .{0,3}nvidia.{0,3} not found"),
            Sign(r"Nvml init failed: ERROR_LIBRARY_NOT_FOUND", FAIR),
            Sign(r"Insufficient nvidia\.com/mig"),
            Sign(r"Insufficient nvidia\.com/gpu"),
            Sign(
                r"If this is a GPU node, did you (?:set the docker default runtime to|configure the NVIDIA Container (?:Toolkit|Runtime))"
            ),
            Sign(r"no runtime for .{0,3}nvidia.{0,3} is configured"),
            Sign(r"RuntimeHandler .{0,3}nvidia.{0,3} not supported"),
            Sign(r"requested number of devices unavailable for nvidia\.com/gpu"),
            Sign(r"nvidia\.com/gpu: {1,8}0\b", FAIR),
            Sign(r"No devices found\. Waiting indefinitely", FAIR),
            Sign(r"Incompatible (?:strategy|platform) detected.{0,40}", FAIR, also=(r"device.plugin",)),
            Sign(r"Detected non-NVML platform"),
            Sign(r"Incompatible (?:strategy|platform) detected"),
            Sign(r"If this is not a GPU node, you should set up a toleration"),
            Sign(r"no healthy devices present; cannot allocate unhealthy devices"),
            Sign(r"failed to construct NVML resource managers"),
            Sign(r"Insufficient (?:amd\.com/gpu|gpu\.intel\.com|habana\.ai/gaudi|nvidia\.com/)"),
            Sign(r"waiting for nvidia container stack to be setup"),
            Sign(r"(?:nvidia-device-plugin|gpu-operator)\S{0,60}.{0,60}CrashLoopBackOff", FAIR),
            Sign(r"could not load NVML library"),
            Sign(r"Failed to start nvml with error", FAIR),
            Sign(r"nvml: Not Supported", FAIR, also=(r"(?:device-plugin|Starting to serve|kubelet)",)),
        ),
        explains=("libcuda-missing", "cuda-unavailable-no-driver", "container-runtime-missing"),
        fixes=(
            Fix(
                "Install the NVIDIA GPU operator, or the device plugin together with the NVIDIA Container Toolkit on every GPU node, and "
                "make nvidia the container runtime there; then look at the node's allocatable resources.",
                (
                    "sudo nvidia-ctk runtime configure --runtime=containerd --set-as-default",
                    "sudo systemctl restart containerd",
                    "kubectl describe nodes | grep -A8 Allocatable",
                    "kubectl -n kube-system logs -l name=nvidia-device-plugin-ds",
                ),
                who="admin",
                risk="restart",
            ),
            Fix(
                "If the nodes do list nvidia.com/gpu, all are in use: ask for fewer GPUs, wait, or add a GPU node (and tolerate its "
                "taint).",
                ("kubectl describe nodes | grep -e Name: -e nvidia.com/gpu",),
            ),
        ),
        examples=(
            'Failed to create pod sandbox: rpc error: RuntimeClass "nvidia" not found',
            "Nvml init failed: ERROR_LIBRARY_NOT_FOUND",
            "2024/03/02 06:41:10 Loading NVML\n2024/03/02 06:41:10 Failed to start nvml with error: could not load NVML library.",
            "Detected non-NVML platform: could not load NVML: libnvidia-ml.so.1: cannot open shared object file: No such file or directory\nIncompatible platform detected",
            "Allocate failed due to no healthy devices present; cannot allocate unhealthy devices nvidia.com/gpu, which is unexpected",
            "Warning  FailedScheduling  2m  default-scheduler  0/4 nodes are available: 4 Insufficient nvidia.com/gpu.",
            'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "nvidia" is '
            "configured",
        ),
        counterexamples=("0/4 nodes are available: 4 Insufficient memory.",),
    ),
)
