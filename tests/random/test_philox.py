"""Philox4x32-10 gives its published answers, and the counter is the address."""

import itertools

import numpy as np
import pytest

from asm_sim.kernels.numeric.rng import philox_words, tag
from asm_sim.kernels.numeric.variates import normals_at
from asm_sim.kernels.world.streams import TABLE

# Random123, kat_vectors: philox4x32 10 <counter> <key> <result>.
KNOWN = [
    (
        [0x00000000] * 4,
        [0x00000000] * 2,
        [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8],
    ),
    (
        [0xFFFFFFFF] * 4,
        [0xFFFFFFFF] * 2,
        [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD],
    ),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_known_answers(counter: list[int], key: list[int], words: list[int]) -> None:
    result = philox_words(np.array(counter, np.uint64), np.array(key, np.uint64))
    assert [int(word) for word in result] == words


def test_stream_year_and_position_do_not_overlap() -> None:
    """Twelve, four and sixteen bits of one word."""
    parts = itertools.product([1, 8, 4095], [0, 1, 15], [0, 1, 200, 65535])
    tags = [int(tag.py_func(*part)) for part in parts]
    assert len(set(tags)) == len(tags)
    assert max(tags) == 2**32 - 1


def one(seed: int, entity: int, layer: int, stream: int, year: int, position: int) -> list[float]:
    def words(value: int) -> np.ndarray:
        return np.array([value & 0xFFFFFFFF, value >> 32], np.uint64)

    address = words(entity)[:, None].copy()
    return list(normals_at(words(seed), address, layer, stream, year, position)[:, 0])


def test_every_part_of_an_address_matters() -> None:
    """Also the high words of entity and seed, and the largest draw."""
    here = (1, 5, 0, 4, 1, 0)
    others = [
        (2, 5, 0, 4, 1, 0),
        (1 + 2**32, 5, 0, 4, 1, 0),
        (1, 6, 0, 4, 1, 0),
        (1, 5 + 2**63, 0, 4, 1, 0),
        (1, 5, 1, 4, 1, 0),
        (1, 5, 2**31, 4, 1, 0),
        (1, 5, 0, 5, 1, 0),
        (1, 5, 0, 4, 2, 0),
        (1, 5, 0, 4, 1, 1),
    ]
    values = [one(*address) for address in [here, *others]]
    flat = [value for four in values for value in four]
    assert len(set(flat)) == len(flat)
    assert one(*here) == values[0]


def test_an_entity_does_not_depend_on_its_neighbours() -> None:
    seed = np.array([3, 0], np.uint64)
    addresses = np.array([[11, 7, 7, 900], [0, 1, 2, 3]], np.uint64)
    together = normals_at(seed, addresses, 4, 3, 0, 0)
    for i in range(4):
        alone = normals_at(seed, addresses[:, [i]].copy(), 4, 3, 0, 0)
        np.testing.assert_array_equal(alone[:, 0], together[:, i])


# What is here may not change, or every result would; new streams are added below.
STREAMS = {
    "practice_traits": (1, "population", "practice"),
    "practice_process": (2, "population", "practice"),
    "clinician_traits": (3, "population", "clinician"),
    "performance": (4, "population", "clinician"),
    "volume": (5, "population", "clinician"),
    "episodes": (6, "measurement", "clinician"),
    "measure": (7, "measurement", "clinician"),
    "attestation": (8, "measurement", "practice"),
}


def test_the_table_of_streams_is_append_only() -> None:
    assert list(TABLE)[: len(STREAMS)] == list(STREAMS)
    for name, known in STREAMS.items():
        assert (TABLE[name].number, TABLE[name].layer, TABLE[name].entity) == known


def test_numbers_of_streams_are_unique_and_fit() -> None:
    numbers = [stream.number for stream in TABLE.values()]
    assert len(set(numbers)) == len(numbers)
    assert all(0 < number < 2**12 for number in numbers)
    layers = {"parameter", "readings", "population", "measurement", "selection"}
    assert {stream.layer for stream in TABLE.values()} == layers
