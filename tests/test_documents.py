"""Documentation that can run is run."""

import re
from pathlib import Path

import pytest

from genba import cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language):
    for page in PAGES:
        for number, code in enumerate(
            re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.S)
        ):
            yield pytest.param(code, id=f"{page.stem}-{number}")


RUN = [p for p in blocks("python") if "import" in p.values[0] and "class Rule" not in p.values[0]]


@pytest.mark.parametrize("code", RUN)
@pytest.mark.filterwarnings("ignore")
def test_a_python_block_runs(code, capfd):
    exec(compile(code, "block", "exec"), {})  # our own documents


@pytest.mark.parametrize("code", list(blocks("yaml")))
def test_a_scenario_in_a_document_plays(code, tmp_path, capfd):
    file = tmp_path / "mine.yaml"
    file.write_text(code)
    assert (
        cli.main(["run", str(file), "--agent", "scripted", "--seed", "1", "--set", "seconds=3"])
        == 0
    )


@pytest.mark.parametrize("code", list(blocks("sh")))
def test_a_command_in_a_document_is_one_that_the_program_takes(code):
    for line in code.splitlines():
        words = line.split("#")[0].split()
        if words and words[0].endswith("genba"):
            options = cli._parser().parse_args(words[1:])
            assert options.command == words[1]
