"""Golden cases from Python."""

from pathlib import Path

from vgen import parity

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def test_cases_hold():
    outcomes = parity.run(GOLDEN / "diffusion", "diffusion/tables_*")
    assert len(outcomes) >= 8 and all(outcomes), outcomes
    one = outcomes[0]
    assert one.area == "diffusion" and one.name.startswith("tables_") and one.compared > 0 and one.error <= one.tolerance


def test_a_case_that_does_not_hold_says_so(tmp_path):
    for name in ("tables_cosine.json", "tables_cosine.safetensors"):
        (tmp_path / name).write_bytes((GOLDEN / "diffusion" / name).read_bytes())
    content = (tmp_path / "tables_cosine.json").read_text()
    assert '"cosine"' in content
    (tmp_path / "tables_cosine.json").write_text(content.replace('"cosine"', '"quadratic"'))
    outcomes = parity.run(tmp_path)
    assert len(outcomes) == 1 and not outcomes[0] and not outcomes[0].ok
