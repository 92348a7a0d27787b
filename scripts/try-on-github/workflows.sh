# shellcheck shell=bash disable=SC2016,SC2034,SC2154
# Sourced by scripts/try-on-github.sh: the workflows of the scratch repository. Expressions in them are GitHub's.

permissions='      actions: read
      contents: read
      id-token: write
      packages: write
      security-events: write'
# caller NAME TRIGGERS PERMISSIONS INPUTS: a workflow that calls the one that publishes.
caller() {
  cat <<END
name: $1
on: $2
permissions: {}
jobs:
  image:
    uses: $source/.github/workflows/director-image.yml@$ref
    permissions:
$3
    with:
      image: $image
      models: ""
      acceptance: "off"
      allow-untested: tried by scripts/try-on-github.sh, no Director
$4
END
}
publish_inputs='      environment: ${{ inputs.environment }}
      rebuild: ${{ inputs.rebuild }}'
dispatch='{ workflow_dispatch: { inputs: { environment: { type: string, default: "" }, rebuild: { type: boolean, default: false } } } }'
check() {
  cat <<END
name: try-check
on: pull_request
permissions: {}
jobs:
  image:
    uses: $source/.github/workflows/director-image-check.yml@$ref
    permissions: { contents: read, packages: read }
    with: { image: $image, models: "", acceptance: "off" }
END
}
