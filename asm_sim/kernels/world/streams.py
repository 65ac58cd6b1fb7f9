"""The named streams of random words: an append-only table.

A stream belongs to one layer (which of a draw's indices is in its addresses) and to one kind
of entity. Within a stream, ``year`` is 0 for what does not change and 1 + the index of the calendar
year otherwise; ``position`` counts blocks of four words. A new source of randomness is a new stream
or a new position at the end: nothing that is here may change, or every result would.
"""

from __future__ import annotations

from typing import NamedTuple


class Stream(NamedTuple):
    number: int
    layer: str  # parameter, readings, population, measurement or selection
    entity: str  # clinician (in cohort), practice, state, area, parameter
    words: str  # what the words of a block become


TABLE = {
    "practice_traits": Stream(
        1,
        "population",
        "practice",
        "uniforms: size, rural, collection type, specialty; position 1: chooses its collection "
        "type, three spare",
    ),
    "practice_process": Stream(
        2, "population", "practice", "normals: quality shared in the practice, reporting, two spare"
    ),
    "clinician_traits": Stream(
        3,
        "population",
        "clinician",
        "position 0, normals: episodes, Part B, HCC score, dual share; from 1: cases by slot",
    ),
    "performance": Stream(
        4, "population", "clinician", "normals: own quality, cost, then measures by slot"
    ),
    "volume": Stream(
        5, "population", "clinician", "normals: episode drift, Part B change, two spare"
    ),
    "episodes": Stream(6, "measurement", "clinician", "normals: episode count, cost, two spare"),
    "measure": Stream(
        7,
        "measurement",
        "clinician",
        "position = slot; normals: result, cases; uniforms: completeness fails, completeness",
    ),
    "attestation": Stream(
        8,
        "measurement",
        "practice",
        "uniforms: full credit, activities, interoperability zero, interoperability score; "
        "position 1: as the year before, three spare",
    ),
    "departure": Stream(
        9,
        "population",
        "clinician",
        "uniforms: stops practising; four calendar years each",
    ),
    "improvement": Stream(10, "population", "clinician", "uniforms: improves, three spare"),
    "probe": Stream(
        11,
        "measurement",
        "replicate of the probe clinicians",
        "position 0, normals: cost, three spare; from 1, by slot: result, three spare",
    ),
    "parameter": Stream(
        12,
        "parameter",
        "parameter, by its dotted path",
        "uniforms: where in its range, three spare",
    ),
    "patient_selection": Stream(
        13, "population", "clinician", "uniforms: selects patients, three spare"
    ),
    "state_circumstances": Stream(14, "measurement", "state", "uniforms: struck, three spare"),
    "clinician_circumstances": Stream(
        15, "measurement", "clinician", "uniforms: affected, three spare"
    ),
    "misattribution": Stream(16, "population", "clinician", "uniforms: misattributed, three spare"),
    "foreign_patients": Stream(
        17,
        "measurement",
        "clinician",
        "position 0, normals: cost, three spare; from 1, by slot: quality, three spare",
    ),
    "aco": Stream(18, "population", "practice", "uniforms: in an organization, three spare"),
    "programmes": Stream(
        19, "population", "clinician", "uniforms: takes part; four programmes each"
    ),
    "avoidance": Stream(
        20, "population", "clinician", "uniforms: keeps under the line, three spare"
    ),
    "eligibility": Stream(
        21,
        "measurement",
        "clinician",
        "normals: episode count of the year before the first performance year, three spare",
    ),
    "ageing": Stream(
        22,
        "population",
        "clinician",
        "normals: age of retirement, one spare; uniforms: part of the career passed, one spare",
    ),
    "churn": Stream(
        23,
        "population",
        "clinician",
        "year 0, uniforms: year of entry, three spare; then: moves, to which practice, two spare",
    ),
    "consolidation": Stream(
        24, "population", "practice", "uniforms: joins a larger practice, three spare"
    ),
    "area": Stream(
        25, "selection", "area", "uniforms: order in which areas are drawn, three spare"
    ),
    "special_status": Stream(
        26, "population", "clinician", "uniforms: has a special status, three spare"
    ),
    "reading": Stream(
        27,
        "readings",
        "parameter of the rule, by its dotted path",
        "uniforms: where in its range, or which of its readings, three spare",
    ),
}

PRACTICE_TRAITS = TABLE["practice_traits"].number
PRACTICE_PROCESS = TABLE["practice_process"].number
CLINICIAN_TRAITS = TABLE["clinician_traits"].number
PERFORMANCE = TABLE["performance"].number
VOLUME = TABLE["volume"].number
EPISODES = TABLE["episodes"].number
MEASURE = TABLE["measure"].number
ATTESTATION = TABLE["attestation"].number
DEPARTURE = TABLE["departure"].number
IMPROVEMENT = TABLE["improvement"].number
PROBE = TABLE["probe"].number
PARAMETER = TABLE["parameter"].number
PATIENT_SELECTION = TABLE["patient_selection"].number
STATE_CIRCUMSTANCES = TABLE["state_circumstances"].number
CLINICIAN_CIRCUMSTANCES = TABLE["clinician_circumstances"].number
MISATTRIBUTION = TABLE["misattribution"].number
FOREIGN_PATIENTS = TABLE["foreign_patients"].number
ACO = TABLE["aco"].number
PROGRAMMES = TABLE["programmes"].number
AVOIDANCE = TABLE["avoidance"].number
ELIGIBILITY = TABLE["eligibility"].number
AGEING = TABLE["ageing"].number
CHURN = TABLE["churn"].number
CONSOLIDATION = TABLE["consolidation"].number
AREA = TABLE["area"].number
SPECIAL_STATUS = TABLE["special_status"].number
READING = TABLE["reading"].number

# The first normals of the performance stream; measure slots follow.
OWN_QUALITY = 0
COST = 1
FIRST_SLOT = 2

COLLECTION_CHOICE = 1  # position in the stream of practice traits

YEARS_HELD = 15  # four bits, of which 0 is taken
