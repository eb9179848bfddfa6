"""The real files whose reading is frozen in ``goldens.json``, with the options that they are read with."""

from pathlib import Path
from typing import Any

from goldens.files import Input

Options = dict[str, Any]

NUMBERED_COLUMNS: Options = {"x_column": "1", "y_column": "2", "z_column": "3"}
LONDON: Options = {"timezone": "Europe/London"}
NEW_YORK: Options = {"timezone": "America/New_York"}

DEVICES: dict[str, tuple[Options, ...]] = {
    "GGIR_actigraph_testfile.gt3x": (NEW_YORK, {"sample_rate_hz": 25}),
    "GGIRread_ActiGraph13_timestamps_headers.csv": ({"skip_rows": 10},),
    "GGIRread_GENEActiv_testfile.bin": (LONDON, {"sample_rate_hz": 100}),
    "GGIRread_ax3_corrupt_blocks.cwa": (LONDON, {"subject": "ann", "sensor_range_g": 1.5}),
    "GGIRread_ax3_testfile.cwa": (LONDON, {"sample_rate_hz": 100}),
    "GGIRread_ax6_testfile.cwa": (LONDON,),
    "GGIRread_genea_testfile.bin": (NUMBERED_COLUMNS,),
    "actfast_cmi.gt3x": (NEW_YORK,),
    "e4_S05_ACC.csv": ({"sample_rate_hz": 31.5}, {"timezone": "Europe/Dublin", "subject": "S05"}),
    "e4_S20_ACC.csv": (
        NUMBERED_COLUMNS | {"skip_rows": 2, "sample_rate_hz": 32},
        NUMBERED_COLUMNS | {"skip_rows": 2, "sample_rate_hz": 32, "acceleration_unit": "g/64"},
    ),
    "ggir_ActiGraph13.csv": ({"skip_rows": 10, "sample_rate_hz": 1},),
    "ggir_ax3_testfile_unix_timestamps.csv": (
        LONDON,
        {"time_column": "1", "x_column": "2", "y_column": "3", "z_column": "4"},
    ),
    "ggir_ax6_testfile_formatted_timestamps.csv": (LONDON,),
    "gnactv_data.npz": ({"skip_rows": 1},),
    "labda_actigraph_13h.gt3x": (NEW_YORK,),
    "pygt3x_neo.csv": (NEW_YORK, {"skip_rows": 10, "sample_rate_hz": 30}),
    "pygt3x_neo.gt3x": (NEW_YORK,),
    "readgt3x_TAS1H30182785_2019-09-17.csv.gz": (NEW_YORK,),
    "readgt3x_TAS1H30182785_2019-09-17.gt3x": (NEW_YORK,),
    "sensorlogger_WristMotion.csv": (
        {"timezone": "Europe/Zurich", "subject": "ann"},
        {"time_column": "time", "x_column": "accelerationX", "y_column": "accelerationY", "z_column": "accelerationZ"},
        {
            "time_column": "time",
            "x_column": "gravityX",
            "y_column": "gravityY",
            "z_column": "gravityZ",
            "acceleration_unit": "g",
        },
    ),
    "skdh_ax6_sample.cwa": ({"sample_rate_hz": 50, "subject": "ann"},),
    "skdh_gnactv_sample.bin": ({"timezone": "Mars/Olympus"},),
    "wristpy_example_geneactiv.bin": ({"subject": "ann", "acceleration_unit": "g"},),
}
"""Options for the files of research watches that are also read in another way than without any."""

WISDM_COLUMNS: Options = {
    "subject_column": "1",
    "label_column": "2",
    "time_column": "3",
    "x_column": "4",
    "y_column": "5",
    "z_column": "6",
}

OTHERS: dict[str, tuple[Options, ...]] = {
    "dsads": ({},),
    "dsads/dsads_arms.parquet": ({}, {"subject": "p1"}),
    "dsads/raw_p1/data/a01/p1/s01.txt": ({}, NUMBERED_COLUMNS, NUMBERED_COLUMNS | {"sample_rate_hz": 25}),
    "dsads/raw_p1/data/a09/p1/s60.txt": (
        {"x_column": "10", "y_column": "11", "z_column": "12", "sample_rate_hz": 25, "subject": "1"},
    ),
    "hawthorne/hawthorne.parquet": ({}, {"subject": "S0"}, {"subject": "S0", "timezone": "Europe/Berlin"}),
    "nights/ggir_example_5s_26h.parquet": ({},),
    "nights/wristpy_example_5s_14h.csv": ({},),
    "notebook_format/merged_ab.csv": ({}, {"timezone": "Europe/Istanbul", "subject": "ab"}, {"sample_rate_hz": 25}),
    "notebook_format/merged_ef.csv": ({}, {"timezone": "Europe/Istanbul"}, {"acceleration_unit": "g"}),
    "selfback/raw_published/t/walk_fast/030.csv": ({}, LONDON),
    "selfback/raw_published/w/lying/030.csv": ({},),
    "selfback/raw_published/w/walk_mod/030.csv": ({}, LONDON | {"subject": "30"}, {"sample_rate_hz": 100}),
    "selfback/selfback_wrist.parquet": ({"subject": "S026"},),
    "stress_predict/stress_predict.parquet": ({}, {"subject": "S01"}),
    "wisdm/activity_key.txt": ({},),
    "wisdm/raw/watch/accel/data_1600_accel_watch.txt": ({}, WISDM_COLUMNS),
    "wisdm/raw/watch/accel/data_1621_accel_watch.txt": ({}, {"subject": "1600"}, {"sample_rate_hz": 20}),
}
"""Some files of the other data sets."""


def real_inputs(data: Path) -> dict[str, Input]:
    """All files of research watches in the folder of real recordings, and some of the other data sets."""
    devices = {f"devices/{path.name}": ({}, *DEVICES.get(path.name, ())) for path in (data / "devices").iterdir()}
    inputs = {}
    for name, ways in (devices | OTHERS).items():
        for options in ways:
            listed = ", ".join(f"{option} {value}" for option, value in options.items())
            inputs[f"real/{name}" + (f" with {listed}" if listed else "")] = _real(name, options)
    return inputs


def _real(name: str, options: Options) -> Input:
    return Input(lambda data: data / name, options)
