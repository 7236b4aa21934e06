"""Train a cross-encoder, contrastive: accelerate launch train_cross_encoder_contrastive.py CONFIG.json [--key value ...]"""

from spanmatch.cli.main import train_command

if __name__ == "__main__":
    train_command("cross", loss="contrastive")
