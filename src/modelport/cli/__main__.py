"""`modelport`, and `python -m modelport.cli`."""

from __future__ import annotations


def main() -> None:
    """Run the command line; leaves through `SystemExit`."""
    from modelport.cli.app import app

    app(prog_name="modelport")


if __name__ == "__main__":
    main()
