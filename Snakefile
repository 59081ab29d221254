"""Resonaut: from collision events to p-values, limits and a report.

`snakemake --cores 2` runs the demo of config/config.yaml; `snakemake --cores 2 <verb>` stops after a stage.
"""

from snakemake.utils import min_version

min_version("9.27")


# The demo, unless the command line names an analysis.
if not workflow.overwrite_configfiles:

    configfile: f"{workflow.basedir}/config/config.yaml"


# An analysis's own folders stand in its configuration under the same name.
pathvars:
    results="results",
    logs="logs",
    benchmarks="<results>/benchmarks",


rule all:
    """Everything that the stages of this analysis make."""
    input:
        lambda wildcards: [
            path
            for verb in ANALYSIS.config["search"]["stages"]
            for path in getattr(rules, verb).input
        ],
    localrule: True


include: "workflow/rules/common.smk"


wildcard_constraints:
    dataset="[A-Za-z0-9_]+",
    # Chunks of a combined dataset have the names of its parts, too.
    chunk="(?:[A-Za-z0-9_]+-)?[0-9]+",
    verb="|".join(VERBS),
    method="[a-z_]+",
    window="[A-Za-z0-9_]+",
    amount="[0-9.e+-]+",
    seed="[0-9]+",
    network="[a-z0-9_]+",


include: "workflow/rules/config.smk"


for verb in VERBS:

    include: f"workflow/rules/{verb}.smk"


report: "workflow/report/workflow.rst"


onstart:
    announce()
