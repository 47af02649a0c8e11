"""The report of `data check`, and the real data against its published figures."""

import json
import subprocess
import sys

import numpy as np
import pytest

from cifar_core.data import check_data, format_check


def test_report_counts_and_measures(parquet_dir, cache_dir, train, test):
    report = check_data(parquet_dir, cache_dir=cache_dir)
    assert json.loads(json.dumps(report)) == report
    assert str(parquet_dir) in report["source"] and len(report["fingerprint"]) == 64
    assert report["official_counts"] is False and report["seconds"] >= 0
    for name, split in (("train", train), ("test", test)):
        assert report[name]["n"] == len(split)
        assert list(report[name]["per_class"]) == report["class_names"]
        assert list(report[name]["per_class"].values()) == np.bincount(split.targets).tolist()
        pixels = split.images / 255
        assert np.allclose(report[name]["mean"], pixels.mean((0, 2, 3)), atol=1e-12)
        assert np.allclose(report[name]["std"], pixels.std((0, 2, 3)), atol=1e-12)


def test_text_has_every_figure(parquet_dir, cache_dir):
    report = check_data(parquet_dir, cache_dir=cache_dir)
    text = format_check(report)
    assert (
        report["source"] in text and report["fingerprint"] in text and "not those that were published" in text
    )
    for name in report["class_names"]:
        assert name in text
    for split in ("train", "test"):
        for value in (*report[split]["mean"], *report[split]["std"]):
            assert f"{value:.4f}" in text


def test_drawn_set_is_reported_as_such():
    report = check_data(source="synthetic")
    assert report["official_counts"] is False and "not CIFAR-10" in report["source"]
    assert format_check(report)


def test_importing_is_quick_and_light():
    heavy = ("torch", "torchvision", "pyarrow", "huggingface_hub", "PIL")
    script = f"import sys, cifar_core.data; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_real_data_has_its_published_figures(real_data_dir):
    report = check_data(real_data_dir)
    assert report["official_counts"] is True
    assert (report["train"]["n"], report["test"]["n"]) == (50_000, 10_000)
    assert report["train"]["mean"] == pytest.approx([0.4914, 0.4822, 0.4465], abs=1e-4)
    assert report["train"]["std"] == pytest.approx([0.2470, 0.2435, 0.2616], abs=1e-4)
    assert "5,000 and 1,000 a class" in format_check(report)
