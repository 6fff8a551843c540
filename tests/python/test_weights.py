"""Weight files from Python."""

import pytest
import safetensors.torch
import torch

import vgen
from vgen import vae, weights

STATE = {
    "a.weight": torch.arange(6.0).view(2, 3),
    "b": torch.tensor([1, 2], dtype=torch.int64),
    "half": torch.ones(3, dtype=torch.bfloat16),
}


def test_files_of_other_programs(tmp_path):
    safetensors.torch.save_file(STATE, tmp_path / "x.safetensors")
    torch.save(STATE, tmp_path / "x.pth")
    for name in ("x.safetensors", "x.pth"):
        read = weights.read_state_dict(tmp_path / name)
        assert read.keys() == STATE.keys()
        assert all(torch.equal(read[key], STATE[key]) and read[key].dtype == STATE[key].dtype for key in STATE)
    read["b"][0] = 9
    assert weights.read_state_dict(tmp_path / "x.pth")["b"][0] == 1, "the file does not change"


def test_files_for_other_programs(tmp_path):
    weights.save_state_dict(tmp_path / "y.safetensors", STATE, {"note": "hello"})
    weights.save_state_dict(tmp_path / "y.pth", STATE)
    assert all(torch.equal(value, STATE[key]) for key, value in safetensors.torch.load_file(tmp_path / "y.safetensors").items())
    assert all(torch.equal(value, STATE[key]) for key, value in torch.load(tmp_path / "y.pth", weights_only=True).items())
    with pytest.raises(TypeError, match="is no tensor"):
        weights.save_state_dict(tmp_path / "z.safetensors", {"a": 1})


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


def test_nothing_is_executed(tmp_path, capfd):
    torch.save({"a": Evil()}, tmp_path / "evil.pth")
    try:
        weights.read_state_dict(tmp_path / "evil.pth")
    except vgen.FormatError as error:
        assert isinstance(error, ValueError)
    assert "executed" not in capfd.readouterr().out


def test_audit_and_load():
    options = vae.AutoencoderKlOptions(channels=8, multipliers=[1, 1], blocks=1, norm_groups=4)
    model, other = vae.AutoencoderKl(options), vae.AutoencoderKl(options)
    vgen.nn.initialise(model, 1)
    state = model.state_dict()
    assert weights.load_weights(other, state).fits
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
    name = next(iter(state))
    broken = {**state, "extra": torch.ones(1), name: torch.ones(2, 2)}
    del broken[list(state)[1]]
    report = weights.audit(other, broken)
    assert not report.fits and report.unexpected == ["extra"] and len(report.missing) == len(report.misshaped) == 1
    assert "1 missing" in str(report) or "missing" in str(report)
    with pytest.raises(vgen.WeightsError, match="extra"):
        weights.load_weights(other, broken)
    assert weights.load_weights(other, {**state, "extra": torch.ones(1)}, ignore_unexpected=True).matched == len(state)
    state[name] = state[name] * float("nan")
    with pytest.raises(vgen.NumericsError):
        weights.load_weights(other, state, check_finite=True)
