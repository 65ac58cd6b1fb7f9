"""Tables that people bring, rosters and clinicians to be scored: one reader for all of them.

Bytes become a :class:`~asm_sim.tables.raw.RawTable` (:mod:`asm_sim.tables.read`), whose cells mean
the same whoever asks (:mod:`asm_sim.tables.cells`).
"""
