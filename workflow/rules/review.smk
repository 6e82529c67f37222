# Whether what is in the paper folder still follows from the measurements there.


# Without input: a file that is missing is told, and not made by trainings that take hours.
rule review:
    log:
        f"{LOGS}/review.log",
    localrule: True
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        folder=PAPER,
    message:
        "Regenerating all in {params.folder} from its measurements, and comparing"
    script:
        "../scripts/review.py"
