"""A prompted model and generated data against `transformers serve`, with a small chat model that is made here.

The model has learnt two conversations by heart. What else it is asked, it answers somehow, as small models do.
"""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from helpers_e2e import offline_environment, read_json, read_jsonl, spanmatch, write_jsonl
from helpers_encoders import write_bytes_of_decoder
from tokenizers import decoders
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from spanmatch.baselines.prompted import Prompt
from spanmatch.entities import as_entity_types

TYPES = ["person", "city"]
TEMPLATE = "Find {types}"
TEXT, ANSWER = "Ada moved to Lima .", '{"person": ["Ada"], "city": ["Lima"]}'
TASK, MADE = "2 of - person\n- city", '[{"text": "Bob in Oslo", "entities": [["Bob", "person"], ["Oslo", "city"]]}]'
CHAT_TEMPLATE = "{% for m in messages %}{{ m['content'] + '\n' }}{% endfor %}"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Llama with a chat template, which has learnt the two conversations."""
    folder = tmp_path_factory.mktemp("chat") / "model"
    folder.mkdir()
    write_bytes_of_decoder(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template, tokenizer.model_max_length = CHAT_TEMPLATE, 512
    tokenizer.backend_tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save_pretrained(folder)
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    shape = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(0)
    llama = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=512, **shape, **ids))
    asked = Prompt(template=TEMPLATE).messages(as_entity_types(TYPES), TEXT)
    conversations = [(asked, ANSWER), ([{"role": "user", "content": TASK}], MADE)]
    rows = [
        torch.tensor([[*prompt, *tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]])
        for said, answer in conversations
        for prompt in [tokenizer.apply_chat_template(said, add_generation_prompt=True)["input_ids"]]
    ]
    optimizer = torch.optim.AdamW(llama.parameters(), lr=3e-3)
    for step in range(160):
        loss = llama(input_ids=rows[step % 2], labels=rows[step % 2]).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert loss.item() < 0.1
    llama.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def url(model: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--device", "cpu", "--dtype", "float32"]
    with (model.parent / "log").open("wb") as log:
        process = subprocess.Popen(command, env=offline_environment(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        for _ in range(600):
            assert process.poll() is None, (model.parent / "log").read_text()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_prompted(url: str, model: Path, tmp_path: Path) -> None:
    (tmp_path / "template.txt").write_text(TEMPLATE)
    config = {"endpoint": url, "model": str(model), "template": str(tmp_path / "template.txt"),
             "max_tokens": 40, "num_retries": 1, "concurrency": 2, "cache_file": str(tmp_path / "answers.sqlite")}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    fitted = spanmatch("fit", "prompted", tmp_path / "config.json", "--output_dir", tmp_path / "fitted")
    assert fitted.status == 0, fitted.err
    spans = [{"start": 0, "end": 3, "label": "person"}, {"start": 13, "end": 17, "label": "city"}]
    rows = [{"text": TEXT, "char_spans": spans}, {"text": "Eva Novak is in Oslo .", "char_spans": []}]
    data = write_jsonl(tmp_path / "data.jsonl", [row | {"labels": TYPES} for row in rows])
    for _ in range(2):  # the second time from the cache
        result = spanmatch("evaluate", tmp_path / "fitted", data, "--output_dir", tmp_path / "scores")
        assert result.status == 0, result.err
        predicted = [row["predicted"] for row in read_jsonl(tmp_path / "scores" / "predictions.jsonl")]
        assert [(item["start"], item["end"], item["label"]) for item in predicted[0]] == [(0, 3, "person"), (13, 17, "city")]
    assert read_json(tmp_path / "scores" / "metrics.json")["micro"]["recall"] == 1.0


def test_generated(url: str, model: Path, tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text("{num_texts} of {types}")
    given = ["--types", "person,city", "--endpoint", url, "--model", model, "--prompt", tmp_path / "prompt.txt", "--batch", 2]
    given += ["--temperature", 0, "--max_tokens", 80, "--concurrency", 1, "--output", tmp_path / "made.jsonl"]
    result = spanmatch("generate", *given, "--n", 1)
    assert result.status == 0, result.err
    assert "1 texts, 2 mentions (person 1, city 1)" in result.out and "requests 1" in result.out
    assert [row["text"] for row in read_jsonl(tmp_path / "made.jsonl")] == ["Bob in Oslo"]
