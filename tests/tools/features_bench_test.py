#!/usr/bin/env python3
"""Tests what tools/bench/features judges and prints by, without the libraries that it times."""
import json
import pathlib
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/bench/feature_tools"))
import report  # noqa: E402
import sets  # noqa: E402


def row(tool, median, definition="exact", kind="wav"):
    return {"set": "b", "from": kind, "tool": tool, "threads": 1, "clips": 4, "median_s": median,
            "min_s": median, "ratio": median / 0.5, "definition": definition}


class Compare(unittest.TestCase):
    columns = ["mfcc_0", "mfcc_1", "rms"]

    def setUp(self):
        self.theirs = np.random.default_rng(1).normal(size=(50, 3)) * [30, 30, 0.1]

    def judged(self, ours):
        return {r["columns"]: r["equal"] for r in sets.compare(self.columns, ours, self.theirs)}

    def test_rounding_is_equal(self):
        ours = self.theirs.astype(np.float32).astype(np.float64)
        self.assertEqual(self.judged(ours), {"mfcc": True, "rms": True})

    def test_each_feature_has_its_own_bound(self):
        ours = self.theirs.copy()
        ours[7, 1] += 1e-3  # within what MFCC may differ, beyond RMS
        self.assertEqual(self.judged(ours), {"mfcc": True, "rms": True})
        ours[7, 2] += 1e-3
        self.assertEqual(self.judged(ours), {"mfcc": True, "rms": False})
        ours[7, 1] += 2e-3
        self.assertEqual(self.judged(ours), {"mfcc": False, "rms": False})

    def test_small_but_everywhere_is_not_equal(self):
        ours = self.theirs.copy()
        ours[:, :2] += 1.9e-3
        self.assertFalse(self.judged(ours)["mfcc"])

    def test_other_shapes_are_not_equal(self):
        self.assertEqual(self.judged(self.theirs[:-1]), {"all": False})

    def test_not_a_number_is_not_equal(self):
        ours = self.theirs.copy()
        ours[0, 0] = np.nan
        self.assertFalse(self.judged(ours)["mfcc"])

    def test_what_is_faint_in_its_frame_may_differ_more(self):
        columns = ["kaldi_fbank_0", "kaldi_fbank_1"]
        theirs = np.tile([-2.0, -25.0], (2000, 1))
        ours = theirs.copy()
        ours[3, 1] += 5e-3
        self.assertTrue(sets.compare(columns, ours, theirs)[0]["equal"])
        ours[4, 1] += 2e-2
        self.assertFalse(sets.compare(columns, ours, theirs)[0]["equal"])
        ours[4] = theirs[4] + [5e-3, 0]
        self.assertFalse(sets.compare(columns, ours, theirs)[0]["equal"])

    def test_frames_that_a_library_does_not_settle_are_bound_by_how_it_differs_from_itself(self):
        columns = ["tonnetz_0", "tonnetz_1"]
        theirs = np.random.default_rng(2).normal(size=(3000, 2))
        single = theirs + 1e-6
        single[5] += [3e-3, 0]
        single[7] += [2e-5, 0]

        def equal(frame, by, name="c"):
            ours = theirs.copy()
            ours[frame, 1] += by
            return sets.compare(columns, ours, theirs, name, single)[0]["equal"]
        self.assertTrue(equal(5, 5e-3))
        self.assertFalse(equal(5, 7e-3))
        self.assertFalse(equal([5, 7], 5e-3))  # as far, in frames where the library is nearer to itself
        self.assertFalse(equal(6, 5e-3))  # a frame that is settled
        single[100:200] += [3e-3, 0]
        self.assertTrue(equal(5, 5e-3))
        self.assertFalse(equal(5, 7e-3))  # one frame too far, by the mean square of all near enough
        self.assertFalse(equal(5, 5e-3, "d"))

    def test_a_tuning_is_one_of_the_librarys_two(self):
        columns = ["chroma_stft_0", "chroma_stft_1"]
        theirs = np.random.default_rng(3).uniform(size=(40, 2))
        single = theirs.copy()
        single[10:] = theirs[10:, ::-1]

        def equal(ours, name="d"):
            return sets.compare(columns, ours, theirs, name, single)[0]["equal"]
        self.assertTrue(equal(single))
        self.assertTrue(equal(theirs))
        self.assertFalse(equal((theirs + single) / 2))
        self.assertFalse(equal(single, "a"))
        beside = theirs.copy()
        beside[3] = theirs[3, ::-1]  # where both of them say something else
        self.assertFalse(equal(beside))

    def test_pitches_are_counted(self):
        columns = ["pyin_f0", "pyin_voiced", "pyin_voiced_probability"]
        theirs = np.tile([220.0, 1.0, 0.9], (200, 1))
        ours = theirs.copy()
        ours[0, 0] = 110
        self.assertTrue(sets.compare(columns, ours, theirs)[0]["equal"])
        ours[:3, 1] = 0
        self.assertFalse(sets.compare(columns, ours, theirs)[0]["equal"])


class Report(unittest.TestCase):
    rows = [row("serenade", 0.5), row("librosa", 10), row("opensmile", 5, "own"),
            row("floor-decode", 0.1, "floor"), row("floor-resample", 0.1, "floor"),
            row("serenade", 0.2, kind="samples"), row("floor-fftw", 0.05, "floor", "samples"),
            row("floor-pocketfft", 0.07, "floor", "samples"),
            row("floor-copy", 0.05, "floor", "samples")]

    def test_table(self):
        lines = report.ratios({"rows": self.rows})
        self.assertEqual(lines[-3].split(), ["set", "from", "threads", "serenade", "ms/clip",
                                             "librosa", "opensmile*", "over", "floors"])
        # 0.5 s for 4 clips; over 0.1 + 0.1 + 0.05 (the faster transform) + 0.05.
        self.assertEqual(lines[-2].split(), ["b", "wav", "1", "125.000", "20.0", "10.0", "1.67"])
        self.assertEqual(lines[-1].split(), ["b", "samples", "1", "50.000", "-", "-", "2.00"])

    def test_json_reads_back(self):
        result = {"date": "2026-01-01", "rows": self.rows, "left_out": [], "hardware": {"cores": 2}}
        self.assertEqual(json.loads(report.to_json(result)), result)


if __name__ == "__main__":
    unittest.main()
