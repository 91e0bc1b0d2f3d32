"""The command line. Commands are imported when they are called, so that `--help` is quick."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("harness.cli.init", "Make a workspace that runs at once."),
    "plan": ("harness.cli.plan", "Tell what a sweep would do and cost; spends nothing."),
    "sweep": ("harness.cli.sweep", "Run a sweep, or carry on where it was interrupted."),
    "search": ("harness.cli.search", "Show what each variant would retrieve for a question."),
    "runs": ("harness.cli.runs", "List runs; filter and sort them."),
    "show": ("harness.cli.show", "Show one sweep or one run in full."),
    "compare": ("harness.cli.compare", "Compare runs on the same examples, with intervals."),
    "report": ("harness.cli.report", "Write one page about a sweep, HTML or Markdown, to send round."),
    "dashboard": ("harness.cli.dashboard", "Open the dashboard over the runs in a browser."),
    "score": ("harness.cli.score", "Score stored outcomes by more metrics; no new answer."),
    "labels": ("harness.cli.labels", "Draw answers for people to label; keep the labels."),
    "calibrate": ("harness.cli.calibrate", "How a judge agrees with people; its means corrected by their labels."),
    "gate": ("harness.cli.gate", "Decide whether a candidate may replace the baseline; for CI."),
    "promote": ("harness.cli.promote", "Make an alias such as production name a run's configuration."),
    "registry": ("harness.cli.registry", "What was promoted: list, show, history, diff, roll back."),
    "chat": ("harness.cli.chat", "Talk to a run's configuration, or to a promoted one."),
    "serve": ("harness.cli.serve", "Answer with a promoted configuration, behind OpenAI's chat completions."),
    "export": ("harness.cli.export", "Write a sweep's tables as Parquet, CSV or JSONL."),
    "import": ("harness.cli.import_", "Keep results that another tool made as a sweep."),
    "data": ("harness.cli.data", "Check, describe or convert a dataset; list documents."),
    "cache": ("harness.cli.cache", "Size of the work cache; prune it."),
    "doctor": ("harness.cli.doctor", "Keys, versions and folders: what this machine has."),
    "schema": ("harness.cli.schema", "Print the JSON Schema of the sweep file, for editors."),
    "parts": ("harness.cli.parts", "List the parts that a sweep file can name, with their settings."),
}


class _Lazy(click.Group):
    """Loads a command's module only when the command is used; the help texts are here."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from harness.errors import nearest

            close = nearest(args[0], COMMANDS)
            hint = f" Did you mean {close!r}?" if close else ""
            raise click.UsageError(f"No command {args[0]!r}.{hint} Commands: {', '.join(COMMANDS)}.", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="harness-sweep", message="harness %(version)s")
def command() -> None:
    """Choose, prove and guard the configuration of an LLM chatbot.

    Write one YAML sweep over prompts, models and retrieval settings; learn which configuration to ship, how sure that
    is, and what it costs.
    """


def run() -> None:
    """Run a command and end the process with the exit code of the contract."""
    # Most objects of a command live to its end; to look them through for garbage again and again takes a fifth of it.
    gc.set_threshold(50_000, 20, 100)
    sys.exit(_run())


def _run() -> int:
    from harness.errors import HarnessError

    try:
        code = command.main(standalone_mode=False)  # what a command exits with is returned, not raised
    except click.exceptions.Abort:
        return 130
    except KeyboardInterrupt:
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except click.exceptions.Exit as done:
        return done.exit_code
    except HarnessError as error:
        click.echo(f"harness: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001  (the edge: what is nobody's input is our bug, and says so)
        traceback.print_exc()
        click.echo("harness: this is a bug of ours; the lines above are what we need to mend it", err=True)
        return 70
    return code if isinstance(code, int) else 0
