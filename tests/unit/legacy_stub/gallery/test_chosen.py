"""Who is asked for what, by mode and by id."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from legacy_stub.gallery.chosen import FIRST_REMOTE_ID, ChosenGallery
from legacy_stub.gallery.mode import Mode
from legacy_stub.gallery.port import GalleryError, ImageRecord
from legacy_stub.orders import Order
from tests.unit.legacy_stub.gallery.fakes import MemoryGallery

ORDER = Order(prompt="mar")


@dataclass(slots=True)
class Stage:
    """A chosen gallery before two in memory, one image in each."""

    local: MemoryGallery = field(default_factory=MemoryGallery)
    remote: MemoryGallery = field(default_factory=lambda: MemoryGallery(next_id=FIRST_REMOTE_ID))
    mode: Mode = Mode.LOCAL
    compared: list[ImageRecord | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.local.order(ORDER)
        self.remote.order(ORDER)

    @property
    def gallery(self) -> ChosenGallery:
        """The one that callers use."""
        return ChosenGallery(
            local=self.local,
            remote=self.remote,
            mode=lambda: self.mode,
            compare=lambda _order, image: self.compared.append(image),
        )


@pytest.mark.parametrize(
    ("mode", "image_id"), [(Mode.LOCAL, 2), (Mode.REMOTE, FIRST_REMOTE_ID + 1), (Mode.BOTH, 2)]
)
def test_an_order_goes_where_the_mode_says(mode: Mode, image_id: int) -> None:
    stage = Stage(mode=mode)
    image = stage.gallery.order(ORDER)
    assert image is not None
    assert image.image_id == image_id
    assert stage.compared == ([image] if mode is Mode.BOTH else [])


def test_an_id_of_the_monolith_s_own_is_not_taken_from_the_other_side() -> None:
    """Under it the customer would be shown somebody else's picture."""
    stage = Stage(mode=Mode.REMOTE)
    stage.remote.next_id = 1
    with pytest.raises(GalleryError, match="gave id 1,"):
        stage.gallery.order(ORDER)


@pytest.mark.parametrize("mode", [Mode.LOCAL, Mode.BOTH])
def test_without_remote_the_other_side_is_asked_nothing(mode: Mode) -> None:
    """It need not even run; an id of its block is one that nobody has."""
    stage = Stage(mode=mode)
    stage.remote.fault = GalleryError("down")
    assert [image.image_id for image in stage.gallery.all()] == [1]
    assert stage.gallery.one(FIRST_REMOTE_ID) is None
    assert stage.gallery.file(2**63 - 1) is None
    assert not stage.gallery.delete(FIRST_REMOTE_ID)


def test_with_remote_every_image_stays_where_it_was_made() -> None:
    """What was acknowledged before the move is still found after it."""
    stage = Stage(mode=Mode.REMOTE)
    gallery = stage.gallery
    for image_id in (1, FIRST_REMOTE_ID):
        found = gallery.one(image_id)
        assert found is not None
        assert found.image_id == image_id
        assert gallery.file(image_id) == b"mar"
    assert [image.image_id for image in gallery.all()] == [1, FIRST_REMOTE_ID]
    assert gallery.delete(1)
    assert gallery.delete(FIRST_REMOTE_ID)
    assert (stage.local.images, stage.remote.images) == ({}, {})


def test_a_list_is_never_half_a_list() -> None:
    stage = Stage(mode=Mode.REMOTE)
    stage.remote.fault = GalleryError("down")
    with pytest.raises(GalleryError):
        stage.gallery.all()
    assert stage.gallery.one(1) is not None


def test_an_image_in_the_others_block_is_listed_by_its_own_side_alone() -> None:
    """A service that begins at 1 by mistake must not hide the monolith's."""
    stage = Stage(mode=Mode.REMOTE, remote=MemoryGallery(next_id=FIRST_REMOTE_ID - 1))
    stage.remote.order(ORDER)
    assert [image.image_id for image in stage.gallery.all()] == [1, FIRST_REMOTE_ID]


def test_with_both_the_monoliths_failure_is_the_customers_and_is_compared() -> None:
    stage = Stage(mode=Mode.BOTH)
    stage.local.fault = GalleryError("no colours")
    with pytest.raises(GalleryError, match="no colours"):
        stage.gallery.order(ORDER)
    assert stage.compared == [None]


def test_the_mode_is_looked_up_at_every_call() -> None:
    stage = Stage()
    gallery = stage.gallery
    ids = []
    for mode in (Mode.LOCAL, Mode.REMOTE, Mode.LOCAL):
        stage.mode = mode
        image = gallery.order(ORDER)
        assert image is not None
        ids.append(image.image_id)
    assert ids == [2, FIRST_REMOTE_ID + 1, 3]
