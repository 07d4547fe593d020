"""The folders at the root, the package list and the links must agree; documents stand alone."""

import os
import re
import sys
import tempfile
from pathlib import Path

import pytest

from genba import kernels

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
LINKS = ("sim", "safety", "scenarios", "envs", "agents")


def test_every_folder_is_shipped_and_linked():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = {p.parent.relative_to(ROOT).as_posix() for p in ROOT.glob("[!.]*/**/__init__.py")}
    through_links = tuple(f"genba/{link}" for link in LINKS)
    folders = {f for f in found if not f.startswith(("tests", "build", *through_links))}
    assert set(listed["package-dir"].values()) == folders
    assert set(listed["package-dir"]) == set(listed["packages"])
    for name in LINKS:
        assert (ROOT / "genba" / name).resolve() == ROOT / name


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/*.md")))
def test_every_link_of_a_page_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_no_file_is_too_long_to_read():
    for room in ("sim", "safety", "scenarios", "envs", "agents", "genba"):
        for file in (ROOT / room).rglob("*.py"):
            if file.is_symlink() or any(p.is_symlink() for p in file.parents):
                continue
            assert len(file.read_text().splitlines()) <= 300, file


@pytest.mark.parametrize("package, home, kept", [(0, 0, True), (1, 0, False), (0, 1, False)])
def test_kernels_are_kept_where_nobody_else_may_write(monkeypatch, tmp_path, package, home, kept):
    """In an installation that cannot be written, without a home that can, Numba has no place."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(kernels, "forget_stale", lambda package: None)
    may = {kernels.HERE: package, tmp_path / "home": home}
    monkeypatch.setattr(os, "access", lambda path, _: bool(may[Path(path)]))
    kernels.prepare()
    assert ("NUMBA_CACHE_DIR" in os.environ) is kept
    if kept:
        folder = Path(os.environ["NUMBA_CACHE_DIR"])
        assert folder.parent == tmp_path and folder.stat().st_mode & 0o777 == 0o700
        folder.chmod(0o777)  # somebody else's, as it were
        monkeypatch.delenv("NUMBA_CACHE_DIR")
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        kernels.prepare()
        assert os.environ["NUMBA_CACHE_DIR"] != str(folder)
        folder.rmdir()
        for block in (folder.touch, lambda: folder.symlink_to(tmp_path / "nowhere")):
            block()
            monkeypatch.delenv("NUMBA_CACHE_DIR")
            kernels.prepare()
            assert os.environ["NUMBA_CACHE_DIR"] != str(folder)
            folder.unlink()
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)


def test_an_update_of_any_source_forgets_what_was_compiled_from_it(tmp_path):
    """A kernel takes in those of other files, and Numba looks at its own file only."""
    sources = {
        "safety/standards.py": "LIMIT = 1",
        "safety/rules/pfl.py": "",
        "sim/touch.py": "@njit",
        "envs/arm.py": "from numba import njit",
        "envs/cell.py": "nothing of this is compiled",
        "agents/train.py": "",
    }
    ends, rooms = (".nbi", ".nbc", ".pyc"), ("sim", "safety/rules", "envs")
    compiled = [tmp_path / room / "__pycache__" / f"a{end}" for room in rooms for end in ends]
    for name, text in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def kept(change=None):
        """Whether compiled files outlive a change of one source, all of them or none."""
        for file in compiled:
            file.parent.mkdir(exist_ok=True)
            file.touch()
        kernels.forget_stale(tmp_path)
        if change is not None:
            (tmp_path / change).write_text(sources[change] + "  # njit")
            kernels.forget_stale(tmp_path)
        left = {file.suffix for file in compiled if file.exists()}
        assert left in ({*ends}, {".pyc"})
        return left == {*ends}

    assert not kept(None)  # nobody knows of what they were made
    assert kept(None)
    for name in sources:
        assert not kept(name), name
        assert kept(None)
    (tmp_path / "agents/my_new.py").write_text("no")
    assert kept(None)
    (tmp_path / "sim/my_new.py").write_text("no")
    assert not kept(None)
    (tmp_path / "sim/my_new.py").unlink()
    assert not kept(None)
