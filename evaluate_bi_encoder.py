"""Evaluate a bi-encoder: python evaluate_bi_encoder.py --pretrained_model_name_or_path DIR --evaluation_file FILE ..."""

from spanmatch.cli.main import evaluate_command

if __name__ == "__main__":
    evaluate_command("bi")
