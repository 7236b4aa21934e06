"""Train a bi-encoder: accelerate launch train_bi_encoder.py configs/bi_encoder.json [--key value ...]"""

from spanmatch.cli.main import train_command

if __name__ == "__main__":
    train_command("bi")
