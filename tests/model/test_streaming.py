"""Weights in host memory: the same numbers as with all on the device, where no more of them is than was reckoned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import cast, get_args

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef

from overpaint import catalog, plan
from overpaint.errors import ConfigurationError
from overpaint.model import Edited, Editor, holding, load_editor, streaming
from overpaint.model.checkpoint import load
from overpaint.model.streaming import HostEmbedding, Place, StreamedList, spread
from tests.model import checkpoints

CPU = torch.device("cpu")
DEVICES = [CPU, *([torch.device("cuda")] if torch.cuda.is_available() else [])]
DTYPES = [torch.float32, torch.bfloat16]


@pytest.fixture(params=DEVICES, ids=str)
def device(request: pytest.FixtureRequest) -> torch.device:
    return cast(torch.device, request.param)


def ways(folder: Path, dtype: torch.dtype, weights: plan.Weights = "exact") -> list[plan.Plan]:
    """Every way; of the blocks first some streamed, then all."""
    sizes = plan.measure(folder)
    *others, least = plan.plans(sizes, bytes_a_value=dtype.itemsize, pixels=0, weights=weights)
    budget = least.total + sizes.block.size(dtype.itemsize, weights)
    *_, some = plan.plans(sizes, bytes_a_value=dtype.itemsize, pixels=0, budget=budget, weights=weights)
    assert 0 < some.streamed_blocks < least.streamed_blocks == sizes.blocks
    return [*others, some, least]


def editor(
    folder: Path, device: torch.device, dtype: torch.dtype, held: plan.Plan, weights: plan.Weights = "exact"
) -> Editor:
    checkpoint = catalog.read(folder)
    return Editor(checkpoint, load(checkpoint, device, dtype, plan=held, weights=weights), device, dtype)


def edited(editor: Editor, image: Image.Image) -> bytes:
    *_, last = editor.edit([image], "red", seed=3, steps=3, true_cfg_scale=2.0)
    assert isinstance(last, Edited)
    return last.image.tobytes()


def velocity(editor: Editor, text: Tensor) -> Tensor:
    """Of latents and references drawn anew, the same for every editor."""
    transformer, draw = editor.parts.transformer, torch.Generator().manual_seed(5)
    channels = transformer.config.in_channels
    latents, references = (torch.randn((1, count, channels), generator=draw).to(text) for count in (16, 6))
    scene = transformer.scene(references, text, [(1, 4, 4), (1, 2, 3)])
    return transformer(latents, editor.parts.levels.schedule([0.7])[0.7], scene)


@pytest.mark.parametrize("weights", get_args(plan.Weights))
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("generation", checkpoints.GENERATIONS)
def test_every_way_gives_the_same_numbers_and_the_same_picture(
    generation: str,
    device: torch.device,
    dtype: torch.dtype,
    weights: plan.Weights,
    random_checkpoint: Callable[..., Path],
    picture: Callable[..., Image.Image],
) -> None:
    folder, image = random_checkpoint(generation), picture(64, 64)
    resident, *others = (editor(folder, device, dtype, held, weights) for held in ways(folder, dtype, weights))
    states = resident.parts.conditioner.encode([image], "red")
    flow, bytes_ = velocity(resident, states), edited(resident, image)
    for other in others:
        assert torch.equal(other.parts.conditioner.encode([image], "red"), states)
        assert torch.equal(velocity(other, states), flow)
        assert edited(other, image) == bytes_


@pytest.mark.parametrize("weights", get_args(plan.Weights))
@pytest.mark.parametrize("way", range(5))
def test_the_loader_puts_on_the_device_what_the_plan_reckons(
    way: int, weights: plan.Weights, device: torch.device, random_checkpoint: Callable[..., Path]
) -> None:
    folder = random_checkpoint("2511")
    reckoned = ways(folder, torch.float32, weights)[way]
    parts = editor(folder, device, torch.float32, reckoned, weights).parts
    modules: tuple[nn.Module, ...] = (parts.transformer, parts.conditioner.encoder, parts.autoencoder)
    every = {id(p): p for module in modules for p in module.parameters() if not p.is_meta}
    lists = [part for module in modules for part in module.modules() if isinstance(part, StreamedList)]
    tables = [part for module in modules for part in module.modules() if isinstance(part, HostEmbedding)]
    waiting = {id(p) for part in lists for held in part.waiting.values() for p in held.parameters}
    waiting |= {id(table.weight) for table in tables}
    on_device = sum(p.nbytes for key, p in every.items() if key not in waiting)
    assert on_device == reckoned.weights
    words = sum(table.weight.nbytes for table in tables)
    carried = sum(p.nbytes for key, p in every.items() if key in waiting) - words
    assert carried == reckoned.carried_a_pass + reckoned.carried_a_reading
    assert words + sum(held.memory.nbytes for part in lists for held in part.waiting.values()) <= reckoned.host
    blocks = parts.transformer.transformer_blocks
    streamed = list(blocks.waiting) if isinstance(blocks, StreamedList) else []
    assert len(streamed) == reckoned.streamed_blocks


@pytest.mark.parametrize("weights", get_args(plan.Weights))
def test_the_way_is_chosen_by_what_is_free(
    weights: plan.Weights, random_checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = catalog.read(random_checkpoint("2511"))
    pixels = 2 * checkpoint.native_pixels
    every = plan.plans(plan.measure(checkpoint.folder), bytes_a_value=2, pixels=pixels, weights=weights)
    for reckoned in every:
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _, free=reckoned.total: (free, 10**12))
        assert holding.fitting(checkpoint, torch.device("cuda"), torch.bfloat16, weights) == reckoned
    monkeypatch.setattr(holding, "_free_host_memory", lambda: every[-1].host - 1)
    with pytest.raises(ConfigurationError, match="of host memory"):
        holding.fitting(checkpoint, torch.device("cuda"), torch.bfloat16, weights)


def test_what_this_process_has_in_use_is_not_free(
    random_checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second editor is loaded beside the first."""
    checkpoint = catalog.read(random_checkpoint("2511"))
    pixels = 2 * checkpoint.native_pixels
    resident, table, *_ = plan.plans(plan.measure(checkpoint.folder), bytes_a_value=2, pixels=pixels)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (table.total - 500, 10**12))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: resident.total)
    for in_use, fits in ((resident.total - 500, table), (0, resident)):
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _, in_use=in_use: in_use)
        assert holding.fitting(checkpoint, torch.device("cuda"), torch.bfloat16, "exact") == fits


@pytest.mark.parametrize("weights", get_args(plan.Weights))
def test_what_follows_holds_less_until_nothing_is_left(
    random_checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, weights: plan.Weights
) -> None:
    folder = random_checkpoint("2511")
    resident, table, _, some, least = ways(folder, torch.float32, weights)

    def after(held: plan.Plan) -> tuple[str, int] | None:
        found = holding.smaller(editor(folder, CPU, torch.float32, held, weights))
        return found and (found.way, found.streamed_blocks)

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (0, 10**12))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 0)
    assert after(table) == ("blocks", least.streamed_blocks)  # none has room, so all goes that can
    assert after(least) is None
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 10**12)  # what is ours counts as free
    assert after(resident) == ("table", 0)
    for free, found in ((least.host - some.host, ("blocks", least.streamed_blocks)), (0, None)):
        monkeypatch.setattr(holding, "_free_host_memory", lambda free=free: free)
        assert after(some) == found


def test_an_editor_on_a_cpu_knows_no_limit_and_no_smaller_plan(random_checkpoint: Callable[..., Path]) -> None:
    here = load_editor(random_checkpoint("2511"), device="cpu")
    assert holding.smaller(here) is None
    assert holding.most_pixels(here) is None


def test_the_largest_output_is_what_fits_beside_the_least_and_one_reference(
    random_checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = random_checkpoint("2511")
    native = catalog.read(folder).native_pixels
    resident, *_ = plan.plans(plan.measure(folder), bytes_a_value=4, pixels=0)
    here = editor(folder, CPU, torch.float32, resident)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 0)
    for output in (10 * native, native, 0):
        least = plan.plans(plan.measure(folder), bytes_a_value=4, pixels=output + native)[-1]
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _, free=least.total: (free, 10**12))
        assert holding.most_pixels(here) == max(native, output)  # what it was loaded with room for stays


def test_streamed_blocks_stand_far_apart() -> None:
    assert spread(0, 5) == []
    assert spread(5, 5) == [0, 1, 2, 3, 4]
    assert spread(2, 6) == [2, 5]
    for count in range(61):
        chosen = spread(count, 60)
        assert len(chosen) == count
        gaps = {after - before for before, after in pairwise(chosen)}
        assert not gaps or max(gaps) - min(gaps) <= 1


# --- the list itself --------------------------------------------------------------------------------------------------


def linears(waiting: list[int], count: int = 7, device: torch.device = CPU) -> tuple[nn.ModuleList, StreamedList]:
    """The same modules twice: with weights of their own, and streamed. Their sizes are odd on purpose."""
    torch.manual_seed(0)
    own = nn.ModuleList(nn.Linear(5, 5) for _ in range(count)).requires_grad_(False).to(device)
    streamed = StreamedList((nn.Linear(5, 5, device="meta") for _ in range(count)), waiting, device)
    held = streamed.state_dict()
    for key, tensor in own.state_dict().items():
        if not held[key].is_meta:
            held[key].copy_(tensor)
    streamed.load_state_dict({k: v for k, v in own.state_dict().items() if held[k].is_meta}, strict=False, assign=True)
    return own, streamed


def run(modules: nn.ModuleList, device: torch.device = CPU) -> Tensor:
    x = torch.arange(5.0, device=device)
    for module in modules:
        x = module(x)
    return x


class LatePlace(Place):
    """A copy comes at the last moment it may; until then nothing there is worth reading."""

    def fill(self, piece: Tensor) -> None:
        self.memory.fill_(0xFF)  # of floats: NaN
        self.piece = piece

    def wait(self) -> None:
        self.memory[: self.piece.numel()].copy_(self.piece)


@pytest.mark.parametrize("place", [Place, LatePlace])
@pytest.mark.parametrize("waiting", [[], [3], [2, 5], [0, 1, 6], list(range(7))], ids=str)
def test_nothing_is_read_too_early_or_overwritten_too_soon(
    waiting: list[int], place: type[Place], device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "Place", place)
    own, streamed = linears(waiting, device=device)
    for _ in range(2):
        assert torch.equal(run(streamed, device), run(own, device))


def test_weights_lie_as_an_allocator_would_lay_them(device: torch.device) -> None:
    """Kernels, and with them the order of sums, are chosen by alignment."""
    _, streamed = linears(list(range(7)), device=device)
    for module in streamed:
        assert [p.data_ptr() % 64 for p in module.parameters()] == [0, 0]


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> list[StorageWeakRef]:
    """The memory of every place there ever was, by weak references."""
    found: list[StorageWeakRef] = []

    class Watched(Place):
        def __init__(self, memory: Tensor, copies: torch.cuda.Stream | None) -> None:
            super().__init__(memory, copies)
            found.append(StorageWeakRef(memory.untyped_storage()))

    monkeypatch.setattr(streaming, "Place", Watched)
    return found


def alive(places: list[StorageWeakRef]) -> int:
    return sum(not place.expired() for place in places)


def test_at_most_two_places_are_taken_and_all_are_given_back(
    places: list[StorageWeakRef], device: torch.device
) -> None:
    _, streamed = linears([0, 1, 2, 4, 6], device=device)
    for _ in range(3):
        for _ in streamed:
            assert 0 < alive(places) <= plan.PLACES
        assert alive(places) == 0
    assert len(places) == 3 * plan.PLACES


def test_the_next_weights_are_sent_for_before_the_current_ones_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    _, streamed = linears([1, 2, 4, 6])
    numbers = {id(held.memory): index for index, held in streamed.waiting.items()}
    happened: list[str] = []
    fill = Place.fill

    def noted(place: Place, piece: Tensor) -> None:
        happened.append(f"send {numbers[id(piece)]}")
        fill(place, piece)

    monkeypatch.setattr(Place, "fill", noted)
    for index, _ in enumerate(streamed):
        happened.append(f"run {index}")
    assert ", ".join(happened) == ("send 1, send 2, run 0, run 1, send 4, run 2, send 6, run 3, run 4, run 5, run 6")


def test_nothing_is_sent_before_all_places_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy that began would be nobody's: the iteration never was, and so never ends."""
    _, streamed = linears([1, 2, 4])
    made, sent = list[Place](), list[Tensor]()

    class Scarce(Place):
        def __init__(self, memory: Tensor, copies: torch.cuda.Stream | None) -> None:
            if len(made) == plan.PLACES - 1:
                raise MemoryError
            super().__init__(memory, copies)
            made.append(self)

        def fill(self, piece: Tensor) -> None:
            sent.append(piece)

    monkeypatch.setattr(streaming, "Place", Scarce)
    with pytest.raises(MemoryError):
        run(streamed)
    assert made and not sent


def test_an_iteration_that_fails_leaves_nothing_behind(places: list[StorageWeakRef], device: torch.device) -> None:
    own, streamed = linears(list(range(7)), device=device)

    def failing() -> Iterator[None]:
        for index, _ in enumerate(streamed):
            if index == 3:
                raise MemoryError
            yield

    with pytest.raises(MemoryError):
        list(failing())
    assert alive(places) == 0
    assert torch.equal(run(streamed, device), run(own, device))


def test_an_iteration_that_is_closed_late_does_not_disturb_another(device: torch.device) -> None:
    _, streamed = linears(list(range(7)), device=device)
    first, second = iter(streamed), iter(streamed)
    for _ in range(4):
        next(first)
    for _ in range(4):
        module = next(second)
    assert isinstance(module, nn.Linear)
    lies = module.weight.data_ptr()
    first.close()  # type: ignore[attr-defined]
    assert module.weight.data_ptr() == lies
    second.close()  # type: ignore[attr-defined]
    assert module.weight.data_ptr() == streamed.waiting[3].memory.data_ptr()


def test_copies_and_computation_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said to a GPU, and in which order. That a GPU keeps to it is not shown here."""
    said: list[str] = []

    class Stream:
        device = CPU

        def __init__(self, name: str) -> None:
            self.name, self.events = name, 0

        def wait_stream(self, other: Stream) -> None:
            said.append(f"{self.name} after {other.name}")

        def record_event(self) -> int:
            self.events += 1
            said.append(f"copy {self.events}")
            return self.events

        def wait_event(self, event: int) -> None:
            said.append(f"{self.name} after copy {event}")

    computing = Stream("computing")
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: computing)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    own, streamed = linears([0, 2, 3], 4)
    streamed.copies = Stream("copying")  # type: ignore[assignment]
    x = torch.arange(5.0)
    for index, module in enumerate(streamed):
        said.append(f"run {index}")
        x = module(x)
    assert torch.equal(x, run(own))
    assert said == [
        *("copying after computing", "copy 1", "copying after computing", "copy 2"),
        *("computing after copy 1", "run 0", "copying after computing", "copy 3"),
        *("run 1", "computing after copy 2", "run 2"),
        *("computing after copy 3", "run 3"),
        "computing after copying",
    ]
    for name in ("wait_stream", "record_event", "wait_event"):
        assert callable(getattr(torch.cuda.Stream, name))
