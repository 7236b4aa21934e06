"""`spanmatch assess` on the command line."""

from helpers_e2e import spanmatch


def test_help_names_the_budget_and_the_files() -> None:
    result = spanmatch("assess", "--help")
    assert result.status == 0
    for flag in ("--train_file", "--test_id_file", "--test_ood_file", "--augment", "--early_stopping", "--ablation"):
        assert flag in result.out
    assert "swap,case,order" in result.out.replace(" ", "").replace("\n", "")


def test_beyond_the_budget() -> None:
    result = spanmatch("assess", "--batch_size", 32)
    assert result.status == 2 and "the assessment allows at most 16" in result.err
