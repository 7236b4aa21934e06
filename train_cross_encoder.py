"""Train a cross-encoder: accelerate launch train_cross_encoder.py configs/cross_encoder.json [--key value ...]"""

from spanmatch.cli.main import train_command

if __name__ == "__main__":
    train_command("cross")
