"""Train a bi-encoder, contrastive: accelerate launch train_bi_encoder_contrastive.py CONFIG.json [--key value ...]"""

from spanmatch.cli.main import train_command

if __name__ == "__main__":
    train_command("bi", loss="contrastive")
