/** The tabs with which the playground opens the first time. */

const campaigns = `# Campaigns, and what launches what. Put an id of one of them into the next tabs.
query Campaigns {
  campaigns(first: 10, orderBy: RECENTLY_SAVED) {
    nodes {
      id
      name
      revision
      stages {
        id
        name
        kind
        split
        unfinished
        availableActions
      }
      dependencies {
        upstream { name }
        downstream { name }
        patterns
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}

# How far its stages are now: sums that are kept, not counted.
query Counters {
  campaignProgress(id: "campaign:1") {
    stages {
      name
      submissions { state count }
      jobsTotal
      jobsSucceeded
      jobsFailed
      jobsRunning
      filesDone
      filesWaiting
      outputsLocated
      outputsDeclared
      eventsLocated
      cpuEfficiency
      wallWastedS
    }
  }
}
`;

const submission = `# A submission with its jobs that failed, and where their logs end.
query FailedJobs {
  submission(id: "submission:1") {
    state
    reason
    configuration
    availableActions
    origin { id }
    recoveries { id state }
    dependents { id stage { name } }
    jobs(states: [FAILED, HELD], first: 20) {
      nodes {
        id
        state
        reason
        exitCode
        signal
        text
        site
        wallS
        memoryMb
        logTail
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
    outputs(states: [DECLARED, LOST], first: 20) {
      nodes {
        name
        missing
      }
    }
  }
}
`;

const launches = `# Why a launch waits: holds, limits, its batch system. Its place is that in its stage's queue.
query WhyItWaits {
  launchQueue(first: 20) {
    nodes {
      id
      priority
      stage { name }
      waiting {
        position
        since
        reasons
      }
    }
  }
  launchHolds {
    scope
    name
    reason
    heldBy { username }
    availableActions
  }
  batchSystems {
    name
    reachable
    text
    pause { reason }
    circuit { reason nextTryAt }
  }
}

# What a test launch of a stage would do now. launchStage with the planHash launches just that.
query WhatATestWouldDo {
  previewLaunch(id: "stage:1", isTest: true) {
    launch {
      planHash
      slice {
        parameter
        jobs
        files
      }
      command
    }
    problem {
      message
    }
    slices
    slicesMore
  }
}

# What a recovery of a submission would take, and leave out. launchRecovery does it.
query WhatARecoveryWouldTake {
  planRecovery(id: "submission:1", recovery: { type: "all" }) {
    ... on RecoveryPlan {
      planHash
      takenCount
      totalCount
      jobs
      command
      counts {
        verdict
        isTaken
        count
      }
    }
    ... on Problem {
      message
    }
  }
}
`;

const triage = `# Failed and held jobs of a stage by what they have in common, most frequent first.
query WhyJobsFail {
  stageTriage(id: "stage:1") {
    jobs
    truncated
    groups {
      count
      share
      files
      reason
      exitCode
      signal
      site
      batchSystemMessage
      log
      sampleLog
      jobIds
    }
  }
}
`;

const progress = `# How far a campaign is: now, and after changes, at most four times a second.
subscription Progress {
  campaignProgress(id: "campaign:1") {
    ... on CampaignProgress {
      head
      stages {
        name
        submissions { state count }
        jobsTotal
        jobsSucceeded
        jobsFailed
        jobsRunning
        outputsLocated
        outputsDeclared
        eventsLocated
      }
    }
    ... on NotFound {
      message
    }
  }
}
`;

const changes = `# Everything that happens, as it happens. To go on from a cursor: after: "…".
subscription Changes {
  changes {
    __typename
    ... on Change {
      cursor
      kind
      at
      reason
      part
      actor {
        username
      }
      submissionId
    }
    ... on SubmissionChange {
      state
      jobsTotal
      jobsSucceeded
      jobsFailed
    }
    ... on Heartbeat {
      cursor
      at
    }
    ... on CursorExpired {
      oldest
    }
    ... on Problem {
      message
    }
  }
}
`;

export const examples: readonly { readonly query: string }[] = [
  { query: campaigns },
  { query: submission },
  { query: triage },
  { query: launches },
  { query: progress },
  { query: changes },
];
