"""Prints one JSON line for each network of the study: ``python benchmarks/tag_training.py results/tag_training/tag``.

AUC of two-prong jets against QCD with its error, what is lost of it under attack and with inputs of other jets;
rejections at four efficiencies, [value, low, high] of their 68 % intervals; R50 and 1/JSD with errors and with what a
score that knows nothing of the mass would have; the expected calibration error of two-prong scores beside that of
probabilities; and for the networks of two domains the accuracy in the other one and the AUC between both.
"""

import argparse
import json
from pathlib import Path

from resonaut.core.results import read
from resonaut.tag.results import Network

SIGNAL = "2prong"


def line(summary: Network) -> dict[str, object]:
    found: dict[str, object] = {"network": summary.network, "training_jets": sum(summary.train_jets.values())}
    found |= {"accuracy": summary.accuracy, "accuracy_error": summary.accuracy_error}
    found |= {"auc": summary.auc[SIGNAL], "auc_error": summary.auc_error[SIGNAL]}
    if attacked := summary.under_attack:
        lost = attacked.auc_lost[SIGNAL]
        found |= {"auc_lost_under_attack": lost.value, "auc_lost_under_attack_error": lost.error}
    found["auc_lost_with_inputs_of_other_jets"] = {
        group: [round(one.value, 4), round(one.error, 4)] for group, one in summary.importance.get(SIGNAL, {}).items()
    }
    found["rejections"] = {
        f"{one.signal_efficiency:g}": [end and round(end, 2) for end in (one.value, one.low, one.high)]
        for one in summary.rejection[SIGNAL]
    }
    found |= vars(summary.sculpting[SIGNAL])
    calibration = summary.calibration[SIGNAL]
    found |= {"calibration_error": calibration.calibration_error, "if_calibrated": calibration.if_calibrated}
    if (domain := summary.domain) and domain.measured:
        found |= {"other_accuracy": domain.measured.accuracy, "other_auc": domain.measured.auc[SIGNAL]}
        found |= {"domain_auc": domain.auc, "domain_auc_error": domain.auc_error}
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="the folder with the networks' summaries")
    for path in sorted(parser.parse_args().results.glob("*.json")):
        print(
            json.dumps(
                {key: v if not isinstance(v, float) else round(v, 4) for key, v in line(read(path, Network)).items()}
            )
        )
