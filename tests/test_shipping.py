"""How a checkpoint that ships is put together: the average of trainings, weights that take little room."""

from pathlib import Path

import pytest
import shipping
import torch
from helpers import TEXTS, TYPES, make_matcher
from helpers_e2e import read_json
from safetensors.torch import load_file
from shipping import ShippedModel, averaged
from spanmatch_base import BASE
from spanmatch_mini import MINI

from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.weight_files import WeightFiles, write_weights
from spanmatch.training.config_file import read_config

FACTORS = ("text_encoder.a.weight.lora_A", "text_encoder.a.weight.lora_B")


def test_the_mean_of_changes_of_low_rank() -> None:
    made = torch.Generator().manual_seed(0)
    trained = [{FACTORS[0]: torch.randn(2, 5, generator=made), FACTORS[1]: torch.randn(4, 2, generator=made)} for _ in range(3)]
    mean = averaged(trained)
    assert mean[FACTORS[0]].shape == (6, 5) and mean[FACTORS[1]].shape == (4, 6)
    expected = sum(own[FACTORS[1]] @ own[FACTORS[0]] for own in trained) / 3
    torch.testing.assert_close(mean[FACTORS[1]] @ mean[FACTORS[0]], expected)


def test_the_mean_of_weights() -> None:
    mean = averaged([{"head.bias": torch.tensor(1.0)}, {"head.bias": torch.tensor(2.0, dtype=torch.float16)}])
    assert mean["head.bias"].item() == 1.5 and mean["head.bias"].dtype == torch.float32


@pytest.mark.parametrize("in_int8", [True, False])
def test_small_weights_tag_as_large_ones(
    in_int8: bool, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "ROOT", tmp_path)
    whole = tmp_path / "whole"
    matcher = make_matcher(tiny_encoder, type_encoder="separate")
    matcher.save_pretrained(whole)
    weights = {name: weight for name, weight in load_file(whole / "model.safetensors").items() if "text_encoder" not in name}
    name = "text_encoder.encoder.layer.0.output.dense.weight"
    rows, columns = matcher.model.state_dict()[name].shape
    factors = {f"{name}.lora_A": torch.randn(2, columns) / 10, f"{name}.lora_B": torch.randn(rows, 2) / 10}
    write_weights(whole, weights | factors)
    model = ShippedModel(name="small", samples=(1,), num_examples=1, in_int8=in_int8)
    model.write_small(whole)
    sizes = [sum(path.stat().st_size for path in folder.glob("model*")) for folder in (whole, model.folder)]
    assert sizes[1] < (0.4 if in_int8 else 0.6) * sizes[0]
    with WeightFiles(whole) as large, WeightFiles(model.folder) as small:
        assert large.shapes == small.shapes
        for key in large:
            expected = large.read(key)
            torch.testing.assert_close(small.read(key).float(), expected, rtol=0.02, atol=0.01 * float(expected.abs().max()))
    one, other = (SpanMatcher.from_pretrained(folder, device="cpu", dtype="float32") for folder in (whole, model.folder))
    assert one.predict(TEXTS["plain"], TYPES, threshold=0.01) and other.predict(TEXTS["plain"], TYPES, threshold=0.01)


@pytest.mark.parametrize("model", [MINI, BASE], ids=["mini", "base"])
def test_configurations_are_sound(model: ShippedModel) -> None:
    """They can be read, name the first sample, and each sample has files of its own."""
    given = read_json(model.config)
    assert given["output_dir"] == str(model.trained(model.samples[0]).relative_to(shipping.ROOT))
    arguments, training = read_config([str(model.config)], "bi")
    assert arguments.train_file == model.files(model.samples[0]) and training.seed == shipping.SEED
    public = {next(file for file in model.files(seed) if "sample_" in file) for seed in model.samples}
    assert len(public) == len(model.samples)
    assert not [file for file in arguments.train_file if file.startswith("data/") and not (shipping.ROOT / file).is_file()]
