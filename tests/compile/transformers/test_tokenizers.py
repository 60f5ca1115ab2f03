"""Tokenizers of every family: what the model's own says, the runtime says, to the character."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.compile.transformers.architectures import made
from tests.compile.transformers.conftest import TEXTS, WORDS
from tests.compile.transformers.test_compile import NAMES, loaded

import modelport
from modelport.compile.edges import TEXTS as ODD
from modelport.compile.sample import Sample
from modelport.compile.transformers.subject import of_folder, of_pair
from modelport.compile.transformers.tokenizing import document, spec_of
from modelport.errors import Unsupported
from modelport.runtimes.transformer import audit, tokens

pytestmark = pytest.mark.extras

ALL = [
    *TEXTS,
    *ODD,
    "tabs\tand\nlines",
    "e\u0301\u0301",
    "\u202eright to left\u202c",
    "\uff41\uff42 \u2460 \u0130 \ufb01",
]


def byte_pairs() -> Any:
    """As RoBERTa and GPT-2 have it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    )
    made.post_processor = processors.RobertaProcessing(("[SEP]", 3), ("[CLS]", 2), add_prefix_space=False)
    return made


def pieces() -> Any:
    """As XLM-RoBERTa and ALBERT have it."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Lowercase()]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    made.train_from_iterator(
        TEXTS * 5, trainers.UnigramTrainer(vocab_size=120, special_tokens=special, unk_token="[UNK]")
    )
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return made


FAMILIES: dict[str, Callable[[], Any]] = {"byte pairs": byte_pairs, "pieces": pieces}


def wrapped(made: Any) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        model_max_length=40,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


def model_for(tokenizer: Any, head: str, names: dict[str, Any]) -> Any:
    return made("Bert", head, **names, vocab_size=len(tokenizer))


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_runtime_reads_texts_as_the_model_does(family: str) -> None:
    tokenizer = wrapped(FAMILIES[family]())
    subject = of_pair(model_for(tokenizer, "ForSequenceClassification", NAMES), tokenizer)
    spec, data = spec_of(subject), document(subject)
    audit.audit(data, spec)
    found = tokens.load(data, spec).numbers(ALL)
    for text, encoding in zip(ALL, found, strict=True):
        assert encoding.ids == tokenizer(text, truncation=True, max_length=spec.max_length)["input_ids"], text


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_entities_have_no_white_space_around_them(family: str, tmp_path: Path) -> None:
    """Tokens of these families carry the space before them."""
    tokenizer = wrapped(FAMILIES[family]())
    names: dict[str, Any] = {"id2label": {0: "O", 1: "A", 2: "B-C"}, "label2id": {"O": 0, "A": 1, "B-C": 2}}
    packed = modelport.pack(
        (model_for(tokenizer, "ForTokenClassification", names), tokenizer), name="who", sample=TEXTS
    )
    predictor = loaded(packed, tmp_path)
    answers = predictor.predict(Sample.of([f" {text}  {text}" for text in TEXTS]).batch)
    spans = answers["text"].values.tolist()
    assert len(spans) > 5
    assert all(span == span.strip() and span for span in spans)


def test_a_folder_with_a_word_list_alone_gets_its_tokenizer_built(
    saved: Callable[[Any], Path], tokenizer: Any
) -> None:
    folder = saved(made("Bert", "ForSequenceClassification", **NAMES))
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    built = of_folder(folder).tokenizer
    assert [built(text)["input_ids"] for text in ALL] == [tokenizer(text)["input_ids"] for text in ALL]


def test_a_folder_without_any_tokenizer_is_refused(saved: Callable[[Any], Path]) -> None:
    folder = saved(made("Roberta", "ForSequenceClassification", **NAMES))
    for path in [*folder.glob("tokenizer*"), *folder.glob("vocab*"), *folder.glob("special*")]:
        path.unlink()
    with pytest.raises(Unsupported) as refused:
        of_folder(folder)
    assert refused.value.code == "tokenizer-absent"


def test_texts_cut_from_the_left_are_refused(tokenizer: Any) -> None:
    import copy

    other = copy.deepcopy(tokenizer)
    other.truncation_side = "left"
    with pytest.raises(Unsupported, match="beginning"):
        modelport.pack((made("Bert", "ForSequenceClassification", **NAMES), other), name="mood", sample=TEXTS)


def test_a_vocabulary_larger_than_the_model_is_refused(tokenizer: Any) -> None:
    import copy

    from modelport.errors import BundleRefused

    other = copy.deepcopy(tokenizer)
    other.add_tokens(["brand", "new"])
    with pytest.raises(BundleRefused) as refused:
        modelport.pack((made("Bert", "ForSequenceClassification", **NAMES), other), name="mood", sample=TEXTS)
    assert refused.value.code == "tokenizer-refused"
