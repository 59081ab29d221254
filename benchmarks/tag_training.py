"""Prints one JSON line for each network of the study: ``python benchmarks/tag_training.py results/tag_training/tag``.

AUC of two-prong jets against QCD nominal and under attack, R50 and 1/JSD with errors and with what a score that knows
nothing of the mass would have, and for the networks of two domains the accuracy in the other one and the AUC between
both.
"""

import argparse
import json
from pathlib import Path

from resonaut.core.results import read
from resonaut.tag.results import Network

SIGNAL = "2prong"


def line(summary: Network) -> dict[str, object]:
    auc, attacked, sculpting = summary.auc[SIGNAL], summary.under_attack, summary.sculpting[SIGNAL]
    found: dict[str, object] = {"network": summary.network, "accuracy": summary.accuracy, "auc": auc}
    if attacked:
        found["auc_lost_under_attack"] = auc - attacked.auc[SIGNAL]
    found |= vars(sculpting)
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
