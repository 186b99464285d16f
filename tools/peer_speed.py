"""Times other simulators and this one on the same work, in turns, and prints ratios.

cnn      cnn_sinabs.nir on Train/0/00528.bin, whose 4,183 events are the median of the 1,000
         recordings, 300 steps of 1 ms: SpikingJelly in multi-step mode under its own
         convention, sinabs under its own, Spyx under its own, compiled by jax; and step by
         step, as a live stream comes in: Norse, snnTorch, sinabs
many     all 1,000 recordings on all cores, from their files and, on the peers' side, from
         frames in memory as well: SpikingJelly, Norse and Spyx in the best of three batches,
         each beside its own convention; those of the first two make the same spikes
gesture  DVSGestureNet, 128 channels, 16 frames: SpikingJelly on one thread and on two;
         on two this program runs the recording once, in fresh memory
dense    2312-512-10 LIF with weights of a fixed seed on the same recording, 300 steps of
         1 ms: sinabs, SpikingJelly, Brian2 and NEST, of which Brian2 and NEST also read
         the spikes in, as this program does

Binning and reading are left out on both sides but where it is said: the peers get frames
in memory and are warm; this program reports what it took to run, of a recording that it
has run before in the same process. One thread where nothing else is said. A peer that
cannot be imported is left out (Brian2 2.9.0 wants numpy < 2.4, and so a place of its own).
Needs nir and numpy, and what is to be timed of torch, spikingjelly, sinabs, nirtorch,
norse, snntorch, spyx, brian2 and nest-simulator from PyPI, SYNOPS_DATA, and a release
build; from the repository's root, for all or some of the work:
    SYNOPS_DATA=... python tools/peer_speed.py [cnn] [many] [gesture] [dense]
"""

import importlib.metadata
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import nir
import numpy as np

DATA = pathlib.Path(os.environ["SYNOPS_DATA"])
RECORDING = DATA / "nmnist/Train/0/00528.bin"
CNN = DATA / "nir/cnn_sinabs.nir"
ROUNDS, STEPS, SIDE = 9, 300, 34
# of batches
SIZES = (8, 32, 128)


def ours(*arguments, times=1, threads=1):
    """Seconds of the last of several runs of a recording in one process."""
    recording, *rest = map(str, arguments)
    run = subprocess.run(["target/release/synops", "replay", *[recording] * times, *rest,
                          "--threads", str(threads), "--json", "-"],
                         capture_output=True, text=True, check=True)
    report = json.loads(run.stdout)
    reports = report.get("recordings", [report])
    return statistics.median(one["timing"]["run_s"] for one in reports[times // 2:])


def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compare(name, theirs, mine, rounds=ROUNDS):
    """In turns, so that a slow phase of the machine slows both."""
    theirs(), mine()
    pairs = [(timed(theirs), mine()) for _ in range(rounds)]
    ratios = sorted(a / b for a, b in pairs)
    a, b = (statistics.median(column) for column in zip(*pairs))
    print(f"{name:48} {1e3 * a:9.2f} ms  {1e3 * b:9.3f} ms  "
          f"{statistics.median(ratios):6.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})", flush=True)


def peers(*names):
    """Those of the packages that can be imported, by name."""
    found = {}
    for name in names:
        try:
            found[name] = __import__(name)
        except Exception as error:  # whatever keeps a peer from being there
            print(f"without {name}: {error}", file=sys.stderr)
    return found


def frames_of(path):
    frames = np.zeros((STEPS, 2, SIDE, SIDE), np.float32)
    add_events(frames, path)
    return frames


def add_events(frames, path):
    raw = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 5).astype(int)
    t = (raw[:, 2] & 127) << 16 | raw[:, 3] << 8 | raw[:, 4]
    step = (t - t[0]) // 1000
    kept = step < len(frames)
    np.add.at(frames, (step[kept], raw[kept, 2] >> 7, raw[kept, 1], raw[kept, 0]), 1)


def modules(graph):
    """The nodes of the CNN from input to output."""
    return [graph.nodes[name] for name in sorted(filter(str.isdigit, graph.nodes), key=int)]


def spikingjelly_cnn(graph):
    import torch
    from spikingjelly.activation_based import layer, neuron

    class Times(torch.nn.Module):
        def forward(self, x):
            return 4 * x

    def module(node):
        match type(node).__name__:
            case "Conv2d":
                out, channels, *kernel = node.weight.shape
                made = layer.Conv2d(channels, out, kernel, node.stride, node.padding, step_mode="m")
            case "IF":
                return neuron.IFNode(v_reset=0.0, step_mode="m")
            case "SumPool2d":
                return torch.nn.Sequential(layer.AvgPool2d(2, 2, step_mode="m"), Times())
            case "Flatten":
                return layer.Flatten(step_mode="m")
            case "Affine":
                made = layer.Linear(*node.weight.shape[::-1], step_mode="m")
        made.weight.data, made.bias.data = torch.tensor(node.weight), torch.tensor(node.bias)
        return made
    return torch.nn.Sequential(*map(module, modules(graph))).eval()


def snntorch_cnn(graph):
    import snntorch
    import torch

    def module(node):
        match type(node).__name__:
            case "Conv2d":
                out, channels, *kernel = node.weight.shape
                made = torch.nn.Conv2d(channels, out, kernel, node.stride, node.padding)
            case "IF":
                return snntorch.Leaky(beta=1.0, threshold=float(node.v_threshold.flat[0]),
                                      reset_mechanism="zero", init_hidden=True)
            case "SumPool2d":
                return torch.nn.LPPool2d(1, 2)
            case "Flatten":
                return torch.nn.Flatten()
            case "Affine":
                made = torch.nn.Linear(*node.weight.shape[::-1])
        made.weight.data, made.bias.data = torch.tensor(node.weight), torch.tensor(node.bias)
        return made
    return torch.nn.Sequential(*map(module, modules(graph))).eval()


def spyx_input(frames):
    """Frames [T, B, C, H, W] as it wants them: the channel last."""
    import jax.numpy as jnp
    return jnp.asarray(np.moveaxis(frames, 2, -1))


def spyx_cnn(graph, x):
    """A compiled run of what has the shape of x."""
    import jax
    from flax import nnx
    import spyx.nir
    model, _ = spyx.nir.from_nir(graph, x[:1], dt=1)
    run = nnx.jit(lambda model, x: spyx.nir.run(model, x)[0])
    return lambda x: jax.block_until_ready(run(model, x))


def cnn():
    graph, frames = nir.read(CNN), frames_of(RECORDING)
    found = peers("torch", "spikingjelly", "sinabs", "norse", "snntorch", "spyx")

    def mine(convention):
        return lambda: ours(RECORDING, "--network", CNN, "--convention", convention, "--steps", STEPS,
                            times=15)
    if "spyx" in found:
        x = spyx_input(frames[:, None])
        spyx = spyx_cnn(graph, x)
        compare("N-MNIST CNN, Spyx", lambda: spyx(x), mine("spyx"))
    if "torch" not in found:
        return
    import torch
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    x = torch.from_numpy(frames)
    if "spikingjelly" in found:
        from spikingjelly.activation_based import functional
        net = spikingjelly_cnn(graph)

        def spikingjelly():
            functional.reset_net(net)
            return net(x[:, None])
        print("spikes of the answer:", spikingjelly().sum(0)[0].int().tolist())
        compare("N-MNIST CNN, SpikingJelly multi-step", spikingjelly, mine("spikingjelly"))
    if "sinabs" in found:
        import sinabs
        import sinabs.nir
        imported = sinabs.nir.from_nir(graph, batch_size=1)

        def whole():
            sinabs.reset_states(imported)
            return imported(x)

        def by_steps():
            sinabs.reset_states(imported)
            for frame in x:
                imported(frame[None])
        compare("N-MNIST CNN, sinabs", whole, mine("sinabs"))
        compare("N-MNIST CNN, sinabs step by step", by_steps, mine("sinabs"))
    if "norse" in found:
        import norse.torch
        net = norse.torch.from_nir(graph, dt=1e-3)

        def norse_steps():
            state = None
            for frame in x:
                _, state = net(frame, state)
        compare("N-MNIST CNN, Norse step by step", norse_steps, mine("norse"))
    if "snntorch" in found:
        from snntorch import utils
        stack = snntorch_cnn(graph)

        def snntorch_steps():
            utils.reset(stack)
            for frame in x:
                stack(frame[None])
        compare("N-MNIST CNN, snnTorch step by step", snntorch_steps,
                mine("snntorch,reset=to-zero,when=same-step"))


def many():
    graph, folder = nir.read(CNN), DATA / "nmnist/Train"
    paths = sorted(folder.glob("*/*.bin"))
    threads = os.cpu_count()

    def mine(convention):
        run = subprocess.run(["target/release/synops", "replay", str(folder), "--network", str(CNN),
                              "--convention", convention, "--json", "-"],
                             capture_output=True, text=True, check=True)
        return json.loads(run.stdout)["total"]["timing"]["elapsed_s"] / len(paths)

    def read(frames):
        """Fills memory that is used again with as many recordings as it holds."""
        frames.fill(0)
        size = frames.shape[1]
        for i, path in enumerate(paths[::len(paths) // size][:size]):
            add_events(frames[:, i], path)

    def against(name, network, as_wanted):
        """Batches of the size that is best for a peer beside the whole corpus, both for one
        recording: from its file, and for the peer from frames in memory, too. Arrays become
        what the peer wants untimed: who reads for one alone would make it so at once."""
        convention = name.lower()

        def measured(size):
            frames = memory[size]
            reading = timed(lambda: read(frames))
            x = as_wanted(frames)
            return reading / size, timed(lambda: network(x)) / size
        # the first of four warms up; one alone can hit a moment in which the host is slow
        size = min(SIZES, key=lambda size: min(sum(measured(size)) for _ in range(4)))
        mine(convention)
        rounds = [(*measured(size), mine(convention)) for _ in range(5)]
        from_files = [(reading + running, own) for reading, running, own in rounds]
        from_memory = [(running, own) for _, running, own in rounds]
        for what, pairs in [("from files", from_files), ("theirs from memory", from_memory)]:
            ratios = sorted(a / b for a, b in pairs)
            a, b = (1 / statistics.median(column) for column in zip(*pairs))
            title = f"1,000 recordings, {name} by {size}, {what}"
            print(f"{title:48} {a:9.1f} /s  {b:9.1f} /s   "
                  f"{statistics.median(ratios):6.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})", flush=True)
    memory = {size: np.zeros((STEPS, size, 2, SIDE, SIDE), np.float32) for size in SIZES}
    found = peers("torch", "spikingjelly", "norse", "spyx")
    if "torch" in found:
        import torch
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        if "spikingjelly" in found:
            from spikingjelly.activation_based import functional
            net = spikingjelly_cnn(graph)

            def spikingjelly(frames):
                functional.reset_net(net)
                net(frames)
            against("SpikingJelly", spikingjelly, torch.from_numpy)
        if "norse" in found:
            import norse.torch
            # its Flatten, taken literally, eats the batch
            literal = norse.torch.from_nir(graph, dt=1e-3)
            for module in literal.modules():
                if isinstance(module, torch.nn.Flatten):
                    module.start_dim = 1

            def norse_batch(frames):
                state = None
                for frame in frames:
                    _, state = literal(frame, state)
            against("Norse", norse_batch, torch.from_numpy)
    if "spyx" in found:
        compiled = {}

        def spyx(x):
            size = x.shape[1]
            if size not in compiled:
                compiled[size] = spyx_cnn(graph, x)
            compiled[size](x)
        against("Spyx", spyx, spyx_input)


def gesture():
    import torch
    from spikingjelly.activation_based import functional, neuron
    from spikingjelly.activation_based.model.parametric_lif_net import DVSGestureNet
    torch.set_grad_enabled(False)
    folder = DATA / "spikingjelly"
    weights, recording = folder / "dvsgesturenet_c128_calibrated.npz", folder / "gesture_frames_seed0.npz"
    net = DVSGestureNet(channels=128, spiking_neuron=neuron.LIFNode, v_reset=0.0)
    net.load_state_dict({k: torch.tensor(v) for k, v in np.load(weights).items()})
    functional.set_step_mode(net.eval(), "m")
    x = torch.tensor(np.load(recording)["x"]).float()

    def theirs():
        functional.reset_net(net)
        return net(x)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        compare(f"DVSGestureNet, SpikingJelly, threads: {threads}", theirs,
                lambda: ours(recording, "--network", weights, "--mapping", "spikingjelly-dvsgesturenet",
                             times=5 if threads == 1 else 1, threads=threads), rounds=5)


def dense_network(folder):
    """Weights of which some hundred of the hidden neurons fire; τ = 20 ms."""
    random = np.random.default_rng(1)
    shapes = [(512, 2 * SIDE * SIDE), (10, 512)]
    weights = [(random.standard_normal(s) * scale).astype(np.float32) for s, scale in zip(shapes, (0.5, 0.4))]

    def lif(n):
        return nir.LIF(tau=np.full(n, 0.02, np.float32), r=np.ones(n, np.float32),
                       v_leak=np.zeros(n, np.float32), v_threshold=np.ones(n, np.float32))
    graph = nir.NIRGraph.from_list(nir.Input({"input": np.array([2 * SIDE * SIDE])}),
                                   nir.Linear(weights[0]), lif(512), nir.Linear(weights[1]), lif(10))
    nir.write(folder / "dense.nir", graph)
    return weights, folder / "dense.nir"


def dense():
    with tempfile.TemporaryDirectory() as folder:
        weights, path = dense_network(pathlib.Path(folder))
        frames = frames_of(RECORDING).reshape(STEPS, -1)

        def mine(convention):
            return lambda: ours(RECORDING, "--network", path, "--convention", convention, "--sensor", "34x34",
                                "--steps", STEPS, times=15)
        found = peers("torch", "spikingjelly", "sinabs", "brian2", "nest")
        if "torch" in found:
            import torch
            torch.set_num_threads(1)
            torch.set_grad_enabled(False)
            linear = [torch.nn.Linear(*w.shape[::-1], bias=False) for w in weights]
            for made, w in zip(linear, weights):
                made.weight.data = torch.from_numpy(w)
            x = torch.from_numpy(frames)
        if "spikingjelly" in found:
            from spikingjelly.activation_based import functional, neuron
            lifs = [neuron.LIFNode(tau=20.0, decay_input=False, v_reset=0.0, step_mode="m") for _ in weights]
            net = torch.nn.Sequential(linear[0], lifs[0], linear[1], lifs[1]).eval()

            def spikingjelly():
                functional.reset_net(net)
                return net(x[:, None])
            compare("2312-512-10, SpikingJelly", spikingjelly, mine("spikingjelly"))
        if "sinabs" in found:
            import sinabs
            import sinabs.layers
            lifs = [sinabs.layers.LIF(tau_mem=20.0, norm_input=False) for _ in weights]
            stack = torch.nn.Sequential(linear[0], lifs[0], linear[1], lifs[1]).eval()

            def run_sinabs():
                sinabs.reset_states(stack)
                return stack(x[None])
            compare("2312-512-10, sinabs", run_sinabs, mine("sinabs"))
        if "brian2" in found:
            compare("2312-512-10, Brian2 (numpy)", brian2_run(weights, frames), mine("nir,input=impulse"))
        if "nest" in found:
            compare("2312-512-10, NEST", nest_run(weights, frames), mine("nir,input=impulse"))


def spikes_of(frames):
    """Times in ms and addresses, one spike for each address and step, as these two take them."""
    steps, addresses = np.nonzero(frames)
    return steps + 1.0, addresses


def brian2_run(weights, frames):
    import brian2 as b
    b.prefs.codegen.target = "numpy"
    b.defaultclock.dt = 1 * b.ms
    times, addresses = spikes_of(frames)
    source = b.SpikeGeneratorGroup(weights[0].shape[1], addresses, times * b.ms)
    layers, objects = [source], [source]
    for w in weights:
        group = b.NeuronGroup(w.shape[0], "dv/dt = -v / (20*ms) : 1", threshold="v > 1", reset="v = 0",
                              method="exact")
        synapses = b.Synapses(layers[-1], group, "w : 1", on_pre="v_post += w")
        synapses.connect()
        synapses.w = w.T.ravel()
        layers.append(group)
        objects += [group, synapses]
    network = b.Network(*objects)
    network.store()

    def run():
        network.restore()
        network.run((STEPS + 2) * b.ms)
    return run


def nest_run(weights, frames):
    import nest
    nest.set_verbosity("M_ERROR")

    def run():
        nest.SetKernelStatus({"biological_time": 0.0})
        for generator, train in zip(generators, trains):
            generator.set({"spike_times": train})
        nest.Simulate(float(STEPS + 2))
    nest.ResetKernel()
    nest.SetKernelStatus({"resolution": 1.0, "local_num_threads": 1})
    times, addresses = spikes_of(frames)
    trains = [times[addresses == a] for a in range(weights[0].shape[1])]
    generators = nest.Create("spike_generator", len(trains))
    parrots = nest.Create("parrot_neuron", len(trains))
    nest.Connect(generators, parrots, "one_to_one")
    before = parrots
    for w in weights:
        cells = nest.Create("iaf_psc_delta", len(w), {
            "E_L": 0.0, "V_m": 0.0, "V_reset": 0.0, "V_th": 1.0, "tau_m": 20.0, "C_m": 20.0, "t_ref": 1.0})
        nest.Connect(before, cells, "all_to_all", {"weight": w.astype(float), "delay": 1.0})
        before = cells
    return run


def main():
    work = [name for name in sys.argv[1:]] or ["cnn", "many", "gesture", "dense"]
    packages = ["torch", "spikingjelly", "sinabs", "norse", "snntorch", "spyx", "jax", "brian2",
                "nest-simulator", "numpy"]
    here = {d.metadata["Name"].lower(): d.version for d in importlib.metadata.distributions()}
    print(*(f"{name} {here[name]}" for name in packages if name in here), sep=", ")
    print(f"{'':48} {'theirs':>12}  {'synops':>12}  ratio (range)")
    for name in work:
        {"cnn": cnn, "many": many, "gesture": gesture, "dense": dense}[name]()


main()
