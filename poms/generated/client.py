from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Optional, Union

from .base import Base
from .base_model import UNSET

if TYPE_CHECKING:
    from .add_files import AddFiles
    from .approve_request import ApproveRequest
    from .base_model import UnsetType
    from .campaign import Campaign
    from .campaign_file import CampaignFile
    from .campaigns import Campaigns
    from .cancel_request import CancelRequest
    from .cancel_submission import CancelSubmission
    from .check_dataset_files import CheckDatasetFiles
    from .create_credential import CreateCredential
    from .create_dataset import CreateDataset
    from .create_experiment import CreateExperiment
    from .create_job_type import CreateJobType
    from .create_launch_host import CreateLaunchHost
    from .create_login_setup import CreateLoginSetup
    from .create_request import CreateRequest
    from .create_service_token import CreateServiceToken
    from .dataset_files import DatasetFiles
    from .datasets import Datasets
    from .enums import TokenScope
    from .experiment import Experiment
    from .head import Head
    from .hold_launches import HoldLaunches
    from .holds_of import HoldsOf
    from .import_campaign import ImportCampaign
    from .input_types import (
        ApproveRequestInput,
        CampaignFilter,
        ChangesFilter,
        CreateCredentialInput,
        CreateExperimentInput,
        CreateJobTypeInput,
        CreateLaunchHostInput,
        CreateLoginSetupInput,
        CreateRequestInput,
        FileInput,
        ImportCampaignInput,
        LaunchQueueFilter,
        RecoveryInput,
        RequestsFilter,
        SaveCampaignInput,
        SaveCatalogInput,
        SetMembershipInput,
        SubmissionsFilter,
        WaiveInputsInput,
    )
    from .inputs_done import InputsDone
    from .kick_submission import KickSubmission
    from .launch_campaign import LaunchCampaign
    from .launch_holds import LaunchHolds
    from .launch_output import LaunchOutput
    from .launch_queue import LaunchQueue
    from .launch_recovery import LaunchRecovery
    from .launch_stage import LaunchStage
    from .mark_files import MarkFiles
    from .me import Me
    from .outputs_located import OutputsLocated
    from .plan_recovery import PlanRecovery
    from .progress import Progress
    from .reject_request import RejectRequest
    from .release_launches import ReleaseLaunches
    from .remove_upload import RemoveUpload
    from .request_history import RequestHistory
    from .request_named import RequestNamed
    from .requests import Requests
    from .return_request import ReturnRequest
    from .revoke_service_token import RevokeServiceToken
    from .save_campaign import SaveCampaign
    from .save_catalog import SaveCatalog
    from .service_tokens import ServiceTokens
    from .set_campaign_active import SetCampaignActive
    from .set_membership import SetMembership
    from .submission import Submission
    from .submissions import Submissions
    from .submit_request import SubmitRequest
    from .triage import Triage
    from .uploads import Uploads
    from .waive_inputs import WaiveInputs
    from .watch_changes import WatchChanges
    from .watch_output import WatchOutput
    from .watch_progress import WatchProgress
    from .withdraw_decision import WithdrawDecision


def gql(q: str) -> str:
    return q


class Client(Base):
    async def launch_stage(
        self,
        id: str,
        is_test: Union[Optional[bool], "UnsetType"] = UNSET,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "LaunchStage":
        from .launch_stage import LaunchStage

        query = gql("""
            mutation LaunchStage($id: ID!, $isTest: Boolean = false, $idempotencyKey: String) {
              launchStage(input: {id: $id, isTest: $isTest}, idempotencyKey: $idempotencyKey) {
                __typename
                ...SubmissionPart
                ...Said
              }
            }

            fragment AccountPart on Account {
              verdict
              given
              done {
                count
                percent
              }
              inWork {
                count
                percent
              }
              waiting {
                count
                percent
              }
              owed {
                count
                percent
              }
              lost {
                count
                percent
              }
              waived {
                count
                percent
              }
              notLaunched
              launches
              launchesLocated {
                count
                percent
              }
              outputs
              outputsLocated {
                count
                percent
              }
              outputsDeclared {
                count
                percent
              }
              outputsLost {
                count
                percent
              }
              outputsRefused {
                count
                percent
              }
              eventsLocated
            }

            fragment Counts on Submission {
              jobsTotal
              jobsIdle
              jobsRunning
              jobsHeld
              jobsSucceeded
              jobsFailed
              jobsRemoved
              jobsUnknown
              filesTotal
              filesDone
              filesFailed
              outputsDeclared
              outputsLocated
            }

            fragment Said on Problem {
              message
            }

            fragment SubmissionPart on Submission {
              id
              state
              stateSince
              reason
              isTest
              createdAt
              batchSystem
              round
              overdueSince
              waiting {
                reason
                position
              }
              stage {
                id
                name
              }
              account {
                ...AccountPart
              }
              ...Counts
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "isTest": is_test,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="LaunchStage", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return LaunchStage.model_validate(data)

    async def launch_campaign(
        self,
        id: str,
        is_test: Union[Optional[bool], "UnsetType"] = UNSET,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "LaunchCampaign":
        from .launch_campaign import LaunchCampaign

        query = gql("""
            mutation LaunchCampaign($id: ID!, $isTest: Boolean = false, $idempotencyKey: String) {
              launchCampaign(
                input: {id: $id, isTest: $isTest}
                idempotencyKey: $idempotencyKey
              ) {
                __typename
                ...LaunchPart
                ...Said
              }
            }

            fragment AccountPart on Account {
              verdict
              given
              done {
                count
                percent
              }
              inWork {
                count
                percent
              }
              waiting {
                count
                percent
              }
              owed {
                count
                percent
              }
              lost {
                count
                percent
              }
              waived {
                count
                percent
              }
              notLaunched
              launches
              launchesLocated {
                count
                percent
              }
              outputs
              outputsLocated {
                count
                percent
              }
              outputsDeclared {
                count
                percent
              }
              outputsLost {
                count
                percent
              }
              outputsRefused {
                count
                percent
              }
              eventsLocated
            }

            fragment Counts on Submission {
              jobsTotal
              jobsIdle
              jobsRunning
              jobsHeld
              jobsSucceeded
              jobsFailed
              jobsRemoved
              jobsUnknown
              filesTotal
              filesDone
              filesFailed
              outputsDeclared
              outputsLocated
            }

            fragment LaunchPart on CampaignLaunched {
              launches {
                stageId
                submission {
                  ...SubmissionPart
                }
                problem {
                  message
                }
              }
            }

            fragment Said on Problem {
              message
            }

            fragment SubmissionPart on Submission {
              id
              state
              stateSince
              reason
              isTest
              createdAt
              batchSystem
              round
              overdueSince
              waiting {
                reason
                position
              }
              stage {
                id
                name
              }
              account {
                ...AccountPart
              }
              ...Counts
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "isTest": is_test,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="LaunchCampaign", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return LaunchCampaign.model_validate(data)

    async def cancel_submission(
        self,
        id: str,
        reason: str,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "CancelSubmission":
        from .cancel_submission import CancelSubmission

        query = gql("""
            mutation CancelSubmission($id: ID!, $reason: String!, $idempotencyKey: String) {
              cancelSubmission(id: $id, reason: $reason, idempotencyKey: $idempotencyKey) {
                __typename
                ...SubmissionPart
                ...Said
              }
            }

            fragment AccountPart on Account {
              verdict
              given
              done {
                count
                percent
              }
              inWork {
                count
                percent
              }
              waiting {
                count
                percent
              }
              owed {
                count
                percent
              }
              lost {
                count
                percent
              }
              waived {
                count
                percent
              }
              notLaunched
              launches
              launchesLocated {
                count
                percent
              }
              outputs
              outputsLocated {
                count
                percent
              }
              outputsDeclared {
                count
                percent
              }
              outputsLost {
                count
                percent
              }
              outputsRefused {
                count
                percent
              }
              eventsLocated
            }

            fragment Counts on Submission {
              jobsTotal
              jobsIdle
              jobsRunning
              jobsHeld
              jobsSucceeded
              jobsFailed
              jobsRemoved
              jobsUnknown
              filesTotal
              filesDone
              filesFailed
              outputsDeclared
              outputsLocated
            }

            fragment Said on Problem {
              message
            }

            fragment SubmissionPart on Submission {
              id
              state
              stateSince
              reason
              isTest
              createdAt
              batchSystem
              round
              overdueSince
              waiting {
                reason
                position
              }
              stage {
                id
                name
              }
              account {
                ...AccountPart
              }
              ...Counts
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "reason": reason,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query,
            operation_name="CancelSubmission",
            variables=variables,
            **kwargs,
        )
        data = self.get_data(response)
        return CancelSubmission.model_validate(data)

    async def kick_submission(
        self,
        id: str,
        reason: str,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "KickSubmission":
        from .kick_submission import KickSubmission

        query = gql("""
            mutation KickSubmission($id: ID!, $reason: String!, $idempotencyKey: String) {
              kickSubmission(id: $id, reason: $reason, idempotencyKey: $idempotencyKey) {
                __typename
                ...SubmissionPart
                ...Said
              }
            }

            fragment AccountPart on Account {
              verdict
              given
              done {
                count
                percent
              }
              inWork {
                count
                percent
              }
              waiting {
                count
                percent
              }
              owed {
                count
                percent
              }
              lost {
                count
                percent
              }
              waived {
                count
                percent
              }
              notLaunched
              launches
              launchesLocated {
                count
                percent
              }
              outputs
              outputsLocated {
                count
                percent
              }
              outputsDeclared {
                count
                percent
              }
              outputsLost {
                count
                percent
              }
              outputsRefused {
                count
                percent
              }
              eventsLocated
            }

            fragment Counts on Submission {
              jobsTotal
              jobsIdle
              jobsRunning
              jobsHeld
              jobsSucceeded
              jobsFailed
              jobsRemoved
              jobsUnknown
              filesTotal
              filesDone
              filesFailed
              outputsDeclared
              outputsLocated
            }

            fragment Said on Problem {
              message
            }

            fragment SubmissionPart on Submission {
              id
              state
              stateSince
              reason
              isTest
              createdAt
              batchSystem
              round
              overdueSince
              waiting {
                reason
                position
              }
              stage {
                id
                name
              }
              account {
                ...AccountPart
              }
              ...Counts
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "reason": reason,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="KickSubmission", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return KickSubmission.model_validate(data)

    async def waive_inputs(
        self,
        input: "WaiveInputsInput",
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "WaiveInputs":
        from .waive_inputs import WaiveInputs

        query = gql("""
            mutation WaiveInputs($input: WaiveInputsInput!, $idempotencyKey: String) {
              waiveInputs(input: $input, idempotencyKey: $idempotencyKey) {
                __typename
                ... on InputsWaived {
                  waivedCount
                  account {
                    ...AccountPart
                  }
                }
                ...Said
              }
            }

            fragment AccountPart on Account {
              verdict
              given
              done {
                count
                percent
              }
              inWork {
                count
                percent
              }
              waiting {
                count
                percent
              }
              owed {
                count
                percent
              }
              lost {
                count
                percent
              }
              waived {
                count
                percent
              }
              notLaunched
              launches
              launchesLocated {
                count
                percent
              }
              outputs
              outputsLocated {
                count
                percent
              }
              outputsDeclared {
                count
                percent
              }
              outputsLost {
                count
                percent
              }
              outputsRefused {
                count
                percent
              }
              eventsLocated
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "input": input,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="WaiveInputs", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return WaiveInputs.model_validate(data)

    async def save_campaign(
        self,
        input: "SaveCampaignInput",
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "SaveCampaign":
        from .save_campaign import SaveCampaign

        query = gql("""
            mutation SaveCampaign($input: SaveCampaignInput!, $idempotencyKey: String) {
              saveCampaign(input: $input, idempotencyKey: $idempotencyKey) {
                __typename
                ... on CampaignSaved {
                  campaign {
                    ...CampaignPart
                  }
                }
                ...Said
                ... on InvalidCampaign {
                  findings {
                    path
                    message
                  }
                }
              }
            }

            fragment CampaignPart on Campaign {
              id
              name
              description
              active
              draft
              revision
              updatedAt
              experiment {
                name
              }
              owner {
                username
              }
              stages {
                id
                name
                unfinished
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "input": input,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="SaveCampaign", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return SaveCampaign.model_validate(data)

    async def create_dataset(
        self,
        experiment: str,
        name: str,
        description: Union[Optional[str], "UnsetType"] = UNSET,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "CreateDataset":
        from .create_dataset import CreateDataset

        query = gql("""
            mutation CreateDataset($experiment: String!, $name: String!, $description: String = "", $idempotencyKey: String) {
              createDataset(
                input: {experiment: $experiment, name: $name, description: $description}
                idempotencyKey: $idempotencyKey
              ) {
                __typename
                ... on Dataset {
                  id
                  name
                }
                ...Said
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "experiment": experiment,
            "name": name,
            "description": description,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="CreateDataset", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return CreateDataset.model_validate(data)

    async def remove_upload(
        self,
        id: str,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "RemoveUpload":
        from .remove_upload import RemoveUpload

        query = gql("""
            mutation RemoveUpload($id: ID!, $idempotencyKey: String) {
              removeUpload(id: $id, idempotencyKey: $idempotencyKey) {
                __typename
                ... on UploadRemoved {
                  id
                  name
                }
                ...Said
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {"id": id, "idempotencyKey": idempotency_key}
        response = await self.execute(
            query=query, operation_name="RemoveUpload", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return RemoveUpload.model_validate(data)

    async def create_service_token(
        self,
        experiment: str,
        name: str,
        scopes: list["TokenScope"],
        days: int,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "CreateServiceToken":
        from .create_service_token import CreateServiceToken

        query = gql("""
            mutation CreateServiceToken($experiment: String!, $name: String!, $scopes: [TokenScope!]!, $days: Int!, $idempotencyKey: String) {
              createServiceToken(
                input: {experiment: $experiment, name: $name, scopes: $scopes, days: $days}
                idempotencyKey: $idempotencyKey
              ) {
                __typename
                ... on ServiceTokenCreated {
                  token
                  serviceToken {
                    ...ServiceTokenPart
                  }
                }
                ...Said
              }
            }

            fragment Said on Problem {
              message
            }

            fragment ServiceTokenPart on ServiceToken {
              id
              name
              scopes
              owner {
                username
              }
              createdAt
              expiresAt
              lastUsedAt
              revokedAt
            }
            """)
        variables: dict[str, object] = {
            "experiment": experiment,
            "name": name,
            "scopes": scopes,
            "days": days,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query,
            operation_name="CreateServiceToken",
            variables=variables,
            **kwargs,
        )
        data = self.get_data(response)
        return CreateServiceToken.model_validate(data)

    async def revoke_service_token(
        self,
        id: str,
        reason: str,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "RevokeServiceToken":
        from .revoke_service_token import RevokeServiceToken

        query = gql("""
            mutation RevokeServiceToken($id: ID!, $reason: String!, $idempotencyKey: String) {
              revokeServiceToken(id: $id, reason: $reason, idempotencyKey: $idempotencyKey) {
                __typename
                ... on ServiceTokenRevoked {
                  changed
                  serviceToken {
                    ...ServiceTokenPart
                  }
                }
                ...Said
              }
            }

            fragment Said on Problem {
              message
            }

            fragment ServiceTokenPart on ServiceToken {
              id
              name
              scopes
              owner {
                username
              }
              createdAt
              expiresAt
              lastUsedAt
              revokedAt
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "reason": reason,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query,
            operation_name="RevokeServiceToken",
            variables=variables,
            **kwargs,
        )
        data = self.get_data(response)
        return RevokeServiceToken.model_validate(data)

    async def add_files(
        self,
        id: str,
        files: list["FileInput"],
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "AddFiles":
        from .add_files import AddFiles

        query = gql("""
            mutation AddFiles($id: ID!, $files: [FileInput!]!, $idempotencyKey: String) {
              addFiles(input: {id: $id, files: $files}, idempotencyKey: $idempotencyKey) {
                __typename
                ... on FilesAdded {
                  addedCount
                  knownCount
                  known {
                    field
                    name
                    completed
                  }
                }
                ...Said
                ... on InvalidFiles {
                  findings {
                    path
                    message
                  }
                }
                ... on FileDiffers {
                  field
                  differences {
                    field
                    name
                    known
                    told
                  }
                }
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "files": files,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="AddFiles", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return AddFiles.model_validate(data)

    async def mark_files(
        self,
        id: str,
        names: list[str],
        is_staged: bool,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "MarkFiles":
        from .mark_files import MarkFiles

        query = gql("""
            mutation MarkFiles($id: ID!, $names: [String!]!, $isStaged: Boolean!, $idempotencyKey: String) {
              markFiles(
                input: {id: $id, names: $names, isStaged: $isStaged}
                idempotencyKey: $idempotencyKey
              ) {
                __typename
                ... on FilesMarked {
                  markedCount
                  knownCount
                  missing
                }
                ...Said
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "names": names,
            "isStaged": is_staged,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="MarkFiles", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return MarkFiles.model_validate(data)

    async def check_dataset_files(
        self,
        id: str,
        is_whole: bool,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "CheckDatasetFiles":
        from .check_dataset_files import CheckDatasetFiles

        query = gql("""
            mutation CheckDatasetFiles($id: ID!, $isWhole: Boolean!, $idempotencyKey: String) {
              checkDatasetFiles(id: $id, isWhole: $isWhole, idempotencyKey: $idempotencyKey) {
                __typename
                ... on FileCheck {
                  ...FileCheckPart
                }
                ...Said
              }
            }

            fragment FileCheckPart on FileCheck {
              isPending
              isWhole
              doneAt
              ageS
              files
              looked
              missing
              otherSize
              onTape
              unknown
              examples {
                name
                location
                problem
              }
              trouble
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "isWhole": is_whole,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query,
            operation_name="CheckDatasetFiles",
            variables=variables,
            **kwargs,
        )
        data = self.get_data(response)
        return CheckDatasetFiles.model_validate(data)

    async def create_experiment(
        self,
        input: "CreateExperimentInput",
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "CreateExperiment":
        from .create_experiment import CreateExperiment

        query = gql("""
            mutation CreateExperiment($input: CreateExperimentInput!, $idempotencyKey: String) {
              createExperiment(input: $input, idempotencyKey: $idempotencyKey) {
                __typename
                ... on Experiment {
                  id
                }
                ...Said
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "input": input,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query,
            operation_name="CreateExperiment",
            variables=variables,
            **kwargs,
        )
        data = self.get_data(response)
        return CreateExperiment.model_validate(data)

    async def set_membership(
        self,
        input: "SetMembershipInput",
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "SetMembership":
        from .set_membership import SetMembership

        query = gql("""
            mutation SetMembership($input: SetMembershipInput!, $idempotencyKey: String) {
              setMembership(input: $input, idempotencyKey: $idempotencyKey) {
                __typename
                ... on MembershipSet {
                  __typename
                }
                ...Said
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "input": input,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="SetMembership", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return SetMembership.model_validate(data)

    async def create_credential(
        self,
        input: "CreateCredentialInput",
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "CreateCredential":
        from .create_credential import CreateCredential

        query = gql("""
            mutation CreateCredential($input: CreateCredentialInput!, $idempotencyKey: String) {
              createCredential(input: $input, idempotencyKey: $idempotencyKey) {
                __typename
                ... on Credential {
                  id
                }
                ...Said
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "input": input,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query,
            operation_name="CreateCredential",
            variables=variables,
            **kwargs,
        )
        data = self.get_data(response)
        return CreateCredential.model_validate(data)

    async def save_catalog(
        self,
        input: "SaveCatalogInput",
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "SaveCatalog":
        from .save_catalog import SaveCatalog

        query = gql("""
            mutation SaveCatalog($input: SaveCatalogInput!, $idempotencyKey: String) {
              saveCatalog(input: $input, idempotencyKey: $idempotencyKey) {
                __typename
                ... on Catalog {
                  id
                }
                ...Said
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "input": input,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="SaveCatalog", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return SaveCatalog.model_validate(data)

    async def create_launch_host(
        self,
        input: "CreateLaunchHostInput",
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "CreateLaunchHost":
        from .create_launch_host import CreateLaunchHost

        query = gql("""
            mutation CreateLaunchHost($input: CreateLaunchHostInput!, $idempotencyKey: String) {
              createLaunchHost(input: $input, idempotencyKey: $idempotencyKey) {
                __typename
                ... on LaunchHost {
                  id
                }
                ...Said
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "input": input,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query,
            operation_name="CreateLaunchHost",
            variables=variables,
            **kwargs,
        )
        data = self.get_data(response)
        return CreateLaunchHost.model_validate(data)

    async def create_login_setup(
        self,
        input: "CreateLoginSetupInput",
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "CreateLoginSetup":
        from .create_login_setup import CreateLoginSetup

        query = gql("""
            mutation CreateLoginSetup($input: CreateLoginSetupInput!, $idempotencyKey: String) {
              createLoginSetup(input: $input, idempotencyKey: $idempotencyKey) {
                __typename
                ... on LoginSetup {
                  id
                }
                ...Said
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "input": input,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query,
            operation_name="CreateLoginSetup",
            variables=variables,
            **kwargs,
        )
        data = self.get_data(response)
        return CreateLoginSetup.model_validate(data)

    async def create_job_type(
        self,
        input: "CreateJobTypeInput",
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "CreateJobType":
        from .create_job_type import CreateJobType

        query = gql("""
            mutation CreateJobType($input: CreateJobTypeInput!, $idempotencyKey: String) {
              createJobType(input: $input, idempotencyKey: $idempotencyKey) {
                __typename
                ... on JobType {
                  id
                }
                ...Said
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "input": input,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="CreateJobType", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return CreateJobType.model_validate(data)

    async def import_campaign(
        self,
        input: "ImportCampaignInput",
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "ImportCampaign":
        from .import_campaign import ImportCampaign

        query = gql("""
            mutation ImportCampaign($input: ImportCampaignInput!, $idempotencyKey: String) {
              importCampaign(input: $input, idempotencyKey: $idempotencyKey) {
                __typename
                ... on CampaignImported {
                  campaign {
                    ...CampaignPart
                  }
                  effect {
                    ...ImportPart
                  }
                }
                ... on CampaignImportPlanned {
                  planned {
                    ...ImportPart
                  }
                }
                ...Said
                ... on InvalidCampaignFile {
                  findings {
                    ...FindingPart
                  }
                }
              }
            }

            fragment CampaignPart on Campaign {
              id
              name
              description
              active
              draft
              revision
              updatedAt
              experiment {
                name
              }
              owner {
                username
              }
              stages {
                id
                name
                unfinished
              }
            }

            fragment FindingPart on FileFinding {
              file
              line
              section
              key
              message
              level
            }

            fragment ImportPart on ImportEffect {
              name
              revision
              isUnchanged
              draft
              changes {
                stage
                change
                fields
                startsAgain
              }
              jobTypes
              loginSetups
              findings {
                ...FindingPart
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "input": input,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="ImportCampaign", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return ImportCampaign.model_validate(data)

    async def set_campaign_active(
        self,
        id: str,
        active: bool,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "SetCampaignActive":
        from .set_campaign_active import SetCampaignActive

        query = gql("""
            mutation SetCampaignActive($id: ID!, $active: Boolean!, $idempotencyKey: String) {
              setCampaignActive(id: $id, active: $active, idempotencyKey: $idempotencyKey) {
                __typename
                ...CampaignPart
                ...Said
                ... on InvalidCampaignFile {
                  findings {
                    ...FindingPart
                  }
                }
              }
            }

            fragment CampaignPart on Campaign {
              id
              name
              description
              active
              draft
              revision
              updatedAt
              experiment {
                name
              }
              owner {
                username
              }
              stages {
                id
                name
                unfinished
              }
            }

            fragment FindingPart on FileFinding {
              file
              line
              section
              key
              message
              level
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "active": active,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query,
            operation_name="SetCampaignActive",
            variables=variables,
            **kwargs,
        )
        data = self.get_data(response)
        return SetCampaignActive.model_validate(data)

    async def launch_recovery(
        self,
        id: str,
        plan_hash: str,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "LaunchRecovery":
        from .launch_recovery import LaunchRecovery

        query = gql("""
            mutation LaunchRecovery($id: ID!, $planHash: String!, $idempotencyKey: String) {
              launchRecovery(id: $id, planHash: $planHash, idempotencyKey: $idempotencyKey) {
                __typename
                ...SubmissionPart
                ...Said
              }
            }

            fragment AccountPart on Account {
              verdict
              given
              done {
                count
                percent
              }
              inWork {
                count
                percent
              }
              waiting {
                count
                percent
              }
              owed {
                count
                percent
              }
              lost {
                count
                percent
              }
              waived {
                count
                percent
              }
              notLaunched
              launches
              launchesLocated {
                count
                percent
              }
              outputs
              outputsLocated {
                count
                percent
              }
              outputsDeclared {
                count
                percent
              }
              outputsLost {
                count
                percent
              }
              outputsRefused {
                count
                percent
              }
              eventsLocated
            }

            fragment Counts on Submission {
              jobsTotal
              jobsIdle
              jobsRunning
              jobsHeld
              jobsSucceeded
              jobsFailed
              jobsRemoved
              jobsUnknown
              filesTotal
              filesDone
              filesFailed
              outputsDeclared
              outputsLocated
            }

            fragment Said on Problem {
              message
            }

            fragment SubmissionPart on Submission {
              id
              state
              stateSince
              reason
              isTest
              createdAt
              batchSystem
              round
              overdueSince
              waiting {
                reason
                position
              }
              stage {
                id
                name
              }
              account {
                ...AccountPart
              }
              ...Counts
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "planHash": plan_hash,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="LaunchRecovery", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return LaunchRecovery.model_validate(data)

    async def hold_launches(
        self,
        reason: str,
        id: Union[Optional[str], "UnsetType"] = UNSET,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "HoldLaunches":
        from .hold_launches import HoldLaunches

        query = gql("""
            mutation HoldLaunches($reason: String!, $id: ID, $idempotencyKey: String) {
              holdLaunches(reason: $reason, id: $id, idempotencyKey: $idempotencyKey) {
                __typename
                ...HoldPart
                ...Said
              }
            }

            fragment HoldPart on LaunchHold {
              id
              scope
              name
              reason
              heldAt
              heldBy {
                username
              }
              releasedAt
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "reason": reason,
            "id": id,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="HoldLaunches", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return HoldLaunches.model_validate(data)

    async def release_launches(
        self,
        id: str,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "ReleaseLaunches":
        from .release_launches import ReleaseLaunches

        query = gql("""
            mutation ReleaseLaunches($id: ID!, $idempotencyKey: String) {
              releaseLaunches(id: $id, idempotencyKey: $idempotencyKey) {
                __typename
                ...HoldPart
                ...Said
              }
            }

            fragment HoldPart on LaunchHold {
              id
              scope
              name
              reason
              heldAt
              heldBy {
                username
              }
              releasedAt
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {"id": id, "idempotencyKey": idempotency_key}
        response = await self.execute(
            query=query, operation_name="ReleaseLaunches", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return ReleaseLaunches.model_validate(data)

    async def me(self, **kwargs: Any) -> "Me":
        from .me import Me

        query = gql("""
            query Me {
              viewer {
                isAdmin
                expiresAt
                person {
                  username
                }
                memberships {
                  role
                  experiment {
                    name
                  }
                }
              }
            }
            """)
        variables: dict[str, object] = {}
        response = await self.execute(
            query=query, operation_name="Me", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Me.model_validate(data)

    async def head(self, **kwargs: Any) -> "Head":
        from .head import Head

        query = gql("""
            query Head {
              head
            }
            """)
        variables: dict[str, object] = {}
        response = await self.execute(
            query=query, operation_name="Head", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Head.model_validate(data)

    async def campaigns(
        self,
        filter_: Union[Optional["CampaignFilter"], "UnsetType"] = UNSET,
        after: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "Campaigns":
        from .campaigns import Campaigns

        query = gql("""
            query Campaigns($filter: CampaignFilter, $after: String) {
              campaigns(filter: $filter, first: 100, after: $after) {
                nodes {
                  ...CampaignPart
                }
                pageInfo {
                  ...PagePart
                }
              }
            }

            fragment CampaignPart on Campaign {
              id
              name
              description
              active
              draft
              revision
              updatedAt
              experiment {
                name
              }
              owner {
                username
              }
              stages {
                id
                name
                unfinished
              }
            }

            fragment PagePart on PageInfo {
              hasNextPage
              endCursor
            }
            """)
        variables: dict[str, object] = {"filter": filter_, "after": after}
        response = await self.execute(
            query=query, operation_name="Campaigns", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Campaigns.model_validate(data)

    async def campaign(self, id: str, **kwargs: Any) -> "Campaign":
        from .campaign import Campaign

        query = gql("""
            query Campaign($id: ID!) {
              campaign(id: $id) {
                ...CampaignPart
              }
            }

            fragment CampaignPart on Campaign {
              id
              name
              description
              active
              draft
              revision
              updatedAt
              experiment {
                name
              }
              owner {
                username
              }
              stages {
                id
                name
                unfinished
              }
            }
            """)
        variables: dict[str, object] = {"id": id}
        response = await self.execute(
            query=query, operation_name="Campaign", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Campaign.model_validate(data)

    async def progress(
        self,
        id: str,
        is_test: Union[Optional[bool], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "Progress":
        from .progress import Progress

        query = gql("""
            query Progress($id: ID!, $isTest: Boolean = false) {
              campaignProgress(id: $id, isTest: $isTest) {
                ...ProgressPart
              }
            }

            fragment AccountPart on Account {
              verdict
              given
              done {
                count
                percent
              }
              inWork {
                count
                percent
              }
              waiting {
                count
                percent
              }
              owed {
                count
                percent
              }
              lost {
                count
                percent
              }
              waived {
                count
                percent
              }
              notLaunched
              launches
              launchesLocated {
                count
                percent
              }
              outputs
              outputsLocated {
                count
                percent
              }
              outputsDeclared {
                count
                percent
              }
              outputsLost {
                count
                percent
              }
              outputsRefused {
                count
                percent
              }
              eventsLocated
            }

            fragment ProgressPart on CampaignProgress {
              account {
                ...AccountPart
              }
              stages {
                ...StagePart
              }
            }

            fragment StagePart on StageProgress {
              stageId
              name
              slices
              submissionsTotal
              submissions {
                state
                count
              }
              jobsTotal
              jobsIdle
              jobsRunning
              jobsHeld
              jobsSucceeded
              jobsFailed
              jobsRemoved
              filesWaiting
              filesDelivered
              filesConsumed
              filesSkipped
              filesDone
              filesFailed
              outputsDeclared
              outputsLocated
              outputsSuperseded
              outputsRefused
              eventsLocated
              cpuEfficiency
              wallEfficiency
              memoryEfficiency
              account {
                ...AccountPart
              }
            }
            """)
        variables: dict[str, object] = {"id": id, "isTest": is_test}
        response = await self.execute(
            query=query, operation_name="Progress", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Progress.model_validate(data)

    async def submissions(
        self,
        filter_: "SubmissionsFilter",
        first: int,
        after: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "Submissions":
        from .submissions import Submissions

        query = gql("""
            query Submissions($filter: SubmissionsFilter!, $first: Int!, $after: String) {
              submissions(filter: $filter, first: $first, after: $after) {
                nodes {
                  ...SubmissionPart
                }
                pageInfo {
                  ...PagePart
                }
              }
            }

            fragment AccountPart on Account {
              verdict
              given
              done {
                count
                percent
              }
              inWork {
                count
                percent
              }
              waiting {
                count
                percent
              }
              owed {
                count
                percent
              }
              lost {
                count
                percent
              }
              waived {
                count
                percent
              }
              notLaunched
              launches
              launchesLocated {
                count
                percent
              }
              outputs
              outputsLocated {
                count
                percent
              }
              outputsDeclared {
                count
                percent
              }
              outputsLost {
                count
                percent
              }
              outputsRefused {
                count
                percent
              }
              eventsLocated
            }

            fragment Counts on Submission {
              jobsTotal
              jobsIdle
              jobsRunning
              jobsHeld
              jobsSucceeded
              jobsFailed
              jobsRemoved
              jobsUnknown
              filesTotal
              filesDone
              filesFailed
              outputsDeclared
              outputsLocated
            }

            fragment PagePart on PageInfo {
              hasNextPage
              endCursor
            }

            fragment SubmissionPart on Submission {
              id
              state
              stateSince
              reason
              isTest
              createdAt
              batchSystem
              round
              overdueSince
              waiting {
                reason
                position
              }
              stage {
                id
                name
              }
              account {
                ...AccountPart
              }
              ...Counts
            }
            """)
        variables: dict[str, object] = {
            "filter": filter_,
            "first": first,
            "after": after,
        }
        response = await self.execute(
            query=query, operation_name="Submissions", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Submissions.model_validate(data)

    async def submission(self, id: str, **kwargs: Any) -> "Submission":
        from .submission import Submission

        query = gql("""
            query Submission($id: ID!) {
              submission(id: $id) {
                ...SubmissionPart
                recoveries {
                  ...SubmissionPart
                }
              }
            }

            fragment AccountPart on Account {
              verdict
              given
              done {
                count
                percent
              }
              inWork {
                count
                percent
              }
              waiting {
                count
                percent
              }
              owed {
                count
                percent
              }
              lost {
                count
                percent
              }
              waived {
                count
                percent
              }
              notLaunched
              launches
              launchesLocated {
                count
                percent
              }
              outputs
              outputsLocated {
                count
                percent
              }
              outputsDeclared {
                count
                percent
              }
              outputsLost {
                count
                percent
              }
              outputsRefused {
                count
                percent
              }
              eventsLocated
            }

            fragment Counts on Submission {
              jobsTotal
              jobsIdle
              jobsRunning
              jobsHeld
              jobsSucceeded
              jobsFailed
              jobsRemoved
              jobsUnknown
              filesTotal
              filesDone
              filesFailed
              outputsDeclared
              outputsLocated
            }

            fragment SubmissionPart on Submission {
              id
              state
              stateSince
              reason
              isTest
              createdAt
              batchSystem
              round
              overdueSince
              waiting {
                reason
                position
              }
              stage {
                id
                name
              }
              account {
                ...AccountPart
              }
              ...Counts
            }
            """)
        variables: dict[str, object] = {"id": id}
        response = await self.execute(
            query=query, operation_name="Submission", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Submission.model_validate(data)

    async def inputs_done(
        self, id: str, after: Union[Optional[str], "UnsetType"] = UNSET, **kwargs: Any
    ) -> "InputsDone":
        from .inputs_done import InputsDone

        query = gql("""
            query InputsDone($id: ID!, $after: String) {
              submission(id: $id) {
                inputs(outcome: [DONE], first: 100, after: $after) {
                  nodes {
                    file {
                      name
                    }
                  }
                  pageInfo {
                    ...PagePart
                  }
                }
              }
            }

            fragment PagePart on PageInfo {
              hasNextPage
              endCursor
            }
            """)
        variables: dict[str, object] = {"id": id, "after": after}
        response = await self.execute(
            query=query, operation_name="InputsDone", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return InputsDone.model_validate(data)

    async def outputs_located(
        self, id: str, after: Union[Optional[str], "UnsetType"] = UNSET, **kwargs: Any
    ) -> "OutputsLocated":
        from .outputs_located import OutputsLocated

        query = gql("""
            query OutputsLocated($id: ID!, $after: String) {
              submission(id: $id) {
                outputs(states: [LOCATED], first: 100, after: $after) {
                  nodes {
                    name
                    events
                  }
                  pageInfo {
                    ...PagePart
                  }
                }
              }
            }

            fragment PagePart on PageInfo {
              hasNextPage
              endCursor
            }
            """)
        variables: dict[str, object] = {"id": id, "after": after}
        response = await self.execute(
            query=query, operation_name="OutputsLocated", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return OutputsLocated.model_validate(data)

    async def triage(self, id: str, **kwargs: Any) -> "Triage":
        from .triage import Triage

        query = gql("""
            query Triage($id: ID!) {
              submissionTriage(id: $id) {
                jobs
                groups {
                  count
                  reason
                  exitCode
                  signal
                  site
                  batchSystemMessage
                  log
                }
              }
            }
            """)
        variables: dict[str, object] = {"id": id}
        response = await self.execute(
            query=query, operation_name="Triage", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Triage.model_validate(data)

    async def datasets(
        self,
        experiment: str,
        name_contains: Union[Optional[str], "UnsetType"] = UNSET,
        after: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "Datasets":
        from .datasets import Datasets

        query = gql("""
            query Datasets($experiment: String!, $nameContains: String, $after: String) {
              datasets(
                experiment: $experiment
                nameContains: $nameContains
                first: 100
                after: $after
              ) {
                nodes {
                  id
                  name
                  description
                  filesTotal
                  bytes
                  filesWithoutSize
                  events
                  fileCheck {
                    ...FileCheckPart
                  }
                }
                pageInfo {
                  ...PagePart
                }
              }
            }

            fragment FileCheckPart on FileCheck {
              isPending
              isWhole
              doneAt
              ageS
              files
              looked
              missing
              otherSize
              onTape
              unknown
              examples {
                name
                location
                problem
              }
              trouble
            }

            fragment PagePart on PageInfo {
              hasNextPage
              endCursor
            }
            """)
        variables: dict[str, object] = {
            "experiment": experiment,
            "nameContains": name_contains,
            "after": after,
        }
        response = await self.execute(
            query=query, operation_name="Datasets", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Datasets.model_validate(data)

    async def dataset_files(
        self,
        experiment: str,
        name: str,
        after: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "DatasetFiles":
        from .dataset_files import DatasetFiles

        query = gql("""
            query DatasetFiles($experiment: String!, $name: String!, $after: String) {
              datasetNamed(experiment: $experiment, name: $name) {
                id
                name
                filesTotal
                submissionId
                files(first: 100, after: $after) {
                  nodes {
                    id
                    name
                    size
                    checksum
                    location
                  }
                  pageInfo {
                    ...PagePart
                  }
                }
              }
            }

            fragment PagePart on PageInfo {
              hasNextPage
              endCursor
            }
            """)
        variables: dict[str, object] = {
            "experiment": experiment,
            "name": name,
            "after": after,
        }
        response = await self.execute(
            query=query, operation_name="DatasetFiles", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return DatasetFiles.model_validate(data)

    async def uploads(self, experiment: str, **kwargs: Any) -> "Uploads":
        from .uploads import Uploads

        query = gql("""
            query Uploads($experiment: String!) {
              uploads(experiment: $experiment) {
                files {
                  id
                  name
                  size
                  checksum
                  createdAt
                }
                bytes
                quotaBytes
              }
            }
            """)
        variables: dict[str, object] = {"experiment": experiment}
        response = await self.execute(
            query=query, operation_name="Uploads", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Uploads.model_validate(data)

    async def campaign_file(self, id: str, **kwargs: Any) -> "CampaignFile":
        from .campaign_file import CampaignFile

        query = gql("""
            query CampaignFile($id: ID!) {
              campaign(id: $id) {
                file
                findings {
                  ...FindingPart
                }
              }
            }

            fragment FindingPart on FileFinding {
              file
              line
              section
              key
              message
              level
            }
            """)
        variables: dict[str, object] = {"id": id}
        response = await self.execute(
            query=query, operation_name="CampaignFile", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return CampaignFile.model_validate(data)

    async def plan_recovery(
        self,
        id: str,
        recovery: Union[Optional["RecoveryInput"], "UnsetType"] = UNSET,
        position: Union[Optional[int], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "PlanRecovery":
        from .plan_recovery import PlanRecovery

        query = gql("""
            query PlanRecovery($id: ID!, $recovery: RecoveryInput, $position: Int) {
              planRecovery(id: $id, recovery: $recovery, position: $position) {
                __typename
                ...PlanPart
                ...Said
              }
            }

            fragment PlanPart on RecoveryPlan {
              planHash
              type
              takenCount
              totalCount
              bytes
              jobs
              counts {
                verdict
                isTaken
                count
              }
              command
              resources {
                cpus
                memoryMb
                diskMb
                walltimeS
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "recovery": recovery,
            "position": position,
        }
        response = await self.execute(
            query=query, operation_name="PlanRecovery", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return PlanRecovery.model_validate(data)

    async def experiment(self, name: str, **kwargs: Any) -> "Experiment":
        from .experiment import Experiment

        query = gql("""
            query Experiment($name: String!) {
              experiment(name: $name) {
                id
              }
            }
            """)
        variables: dict[str, object] = {"name": name}
        response = await self.execute(
            query=query, operation_name="Experiment", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Experiment.model_validate(data)

    async def launch_queue(
        self,
        first: int,
        filter_: Union[Optional["LaunchQueueFilter"], "UnsetType"] = UNSET,
        after: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "LaunchQueue":
        from .launch_queue import LaunchQueue

        query = gql("""
            query LaunchQueue($first: Int!, $filter: LaunchQueueFilter, $after: String) {
              launchQueue(filter: $filter, first: $first, after: $after) {
                nodes {
                  ...QueuedPart
                }
                pageInfo {
                  ...PagePart
                }
              }
            }

            fragment PagePart on PageInfo {
              hasNextPage
              endCursor
            }

            fragment QueuedPart on Submission {
              id
              isTest
              priority
              jobsTotal
              waiting {
                kind
                reason
                reasons
                position
                since
              }
              stage {
                id
                name
              }
              campaign {
                id
                name
              }
              experiment {
                name
              }
            }
            """)
        variables: dict[str, object] = {
            "first": first,
            "filter": filter_,
            "after": after,
        }
        response = await self.execute(
            query=query, operation_name="LaunchQueue", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return LaunchQueue.model_validate(data)

    async def launch_holds(self, **kwargs: Any) -> "LaunchHolds":
        from .launch_holds import LaunchHolds

        query = gql("""
            query LaunchHolds {
              launchHolds {
                ...HoldPart
              }
            }

            fragment HoldPart on LaunchHold {
              id
              scope
              name
              reason
              heldAt
              heldBy {
                username
              }
              releasedAt
            }
            """)
        variables: dict[str, object] = {}
        response = await self.execute(
            query=query, operation_name="LaunchHolds", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return LaunchHolds.model_validate(data)

    async def holds_of(self, id: str, **kwargs: Any) -> "HoldsOf":
        from .holds_of import HoldsOf

        query = gql("""
            query HoldsOf($id: ID!) {
              node(id: $id) {
                __typename
                ... on Stage {
                  launchHolds {
                    ...HoldPart
                  }
                }
                ... on Campaign {
                  launchHolds {
                    ...HoldPart
                  }
                }
                ... on Experiment {
                  launchHolds {
                    ...HoldPart
                  }
                }
              }
            }

            fragment HoldPart on LaunchHold {
              id
              scope
              name
              reason
              heldAt
              heldBy {
                username
              }
              releasedAt
            }
            """)
        variables: dict[str, object] = {"id": id}
        response = await self.execute(
            query=query, operation_name="HoldsOf", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return HoldsOf.model_validate(data)

    async def launch_output(
        self, id: str, after: Union[Optional[str], "UnsetType"] = UNSET, **kwargs: Any
    ) -> "LaunchOutput":
        from .launch_output import LaunchOutput

        query = gql("""
            query LaunchOutput($id: ID!, $after: String) {
              launchOutput(id: $id, first: 100, after: $after) {
                nodes {
                  ...OutputPart
                }
                pageInfo {
                  ...PagePart
                }
              }
            }

            fragment OutputPart on LaunchOutput {
              cursor
              attempt
              text
              at
            }

            fragment PagePart on PageInfo {
              hasNextPage
              endCursor
            }
            """)
        variables: dict[str, object] = {"id": id, "after": after}
        response = await self.execute(
            query=query, operation_name="LaunchOutput", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return LaunchOutput.model_validate(data)

    async def service_tokens(
        self,
        experiment: str,
        after: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "ServiceTokens":
        from .service_tokens import ServiceTokens

        query = gql("""
            query ServiceTokens($experiment: String!, $after: String) {
              serviceTokens(experiment: $experiment, after: $after) {
                nodes {
                  ...ServiceTokenPart
                }
                pageInfo {
                  ...PagePart
                }
              }
            }

            fragment PagePart on PageInfo {
              hasNextPage
              endCursor
            }

            fragment ServiceTokenPart on ServiceToken {
              id
              name
              scopes
              owner {
                username
              }
              createdAt
              expiresAt
              lastUsedAt
              revokedAt
            }
            """)
        variables: dict[str, object] = {"experiment": experiment, "after": after}
        response = await self.execute(
            query=query, operation_name="ServiceTokens", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return ServiceTokens.model_validate(data)

    async def requests(
        self,
        filter_: Union[Optional["RequestsFilter"], "UnsetType"] = UNSET,
        after: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "Requests":
        from .requests import Requests

        query = gql("""
            query Requests($filter: RequestsFilter, $after: String) {
              requests(filter: $filter, first: 100, after: $after) {
                nodes {
                  ...RequestDetailPart
                }
                pageInfo {
                  ...PagePart
                }
              }
            }

            fragment PagePart on PageInfo {
              hasNextPage
              endCursor
            }

            fragment RequestDetailPart on Request {
              id
              name
              title
              purpose
              state
              stateSince
              revision
              planHash
              cpuHoursBand
              owner {
                username
              }
              campaign {
                id
                name
              }
              asks {
                kind
                dataset
                files
                events
                softwareVersion
              }
              waitingOn {
                rule
                isTest
                reason
                isTurn
              }
              decisions {
                id
                kind
                at
                comment
                withdrawnAt
                changedSince
                person {
                  username
                }
                behalfOf {
                  username
                }
              }
            }
            """)
        variables: dict[str, object] = {"filter": filter_, "after": after}
        response = await self.execute(
            query=query, operation_name="Requests", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Requests.model_validate(data)

    async def request_named(
        self, experiment: str, number: int, **kwargs: Any
    ) -> "RequestNamed":
        from .request_named import RequestNamed

        query = gql("""
            query RequestNamed($experiment: String!, $number: Int!) {
              requestNamed(experiment: $experiment, number: $number) {
                ...RequestDetailPart
              }
            }

            fragment RequestDetailPart on Request {
              id
              name
              title
              purpose
              state
              stateSince
              revision
              planHash
              cpuHoursBand
              owner {
                username
              }
              campaign {
                id
                name
              }
              asks {
                kind
                dataset
                files
                events
                softwareVersion
              }
              waitingOn {
                rule
                isTest
                reason
                isTurn
              }
              decisions {
                id
                kind
                at
                comment
                withdrawnAt
                changedSince
                person {
                  username
                }
                behalfOf {
                  username
                }
              }
            }
            """)
        variables: dict[str, object] = {"experiment": experiment, "number": number}
        response = await self.execute(
            query=query, operation_name="RequestNamed", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return RequestNamed.model_validate(data)

    async def request_history(
        self, id: str, before: Union[Optional[int], "UnsetType"] = UNSET, **kwargs: Any
    ) -> "RequestHistory":
        from .request_history import RequestHistory

        query = gql("""
            query RequestHistory($id: ID!, $before: Int) {
              requestRevisions(id: $id, first: 50, before: $before) {
                number
                at
                comment
                campaignRevision
                planHash
                author {
                  username
                }
              }
            }
            """)
        variables: dict[str, object] = {"id": id, "before": before}
        response = await self.execute(
            query=query, operation_name="RequestHistory", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return RequestHistory.model_validate(data)

    async def create_request(
        self,
        input: "CreateRequestInput",
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "CreateRequest":
        from .create_request import CreateRequest

        query = gql("""
            mutation CreateRequest($input: CreateRequestInput!, $idempotencyKey: String) {
              createRequest(input: $input, idempotencyKey: $idempotencyKey) {
                __typename
                ...RequestDetailPart
                ...Said
                ... on InvalidRequest {
                  findings {
                    path
                    message
                  }
                }
              }
            }

            fragment RequestDetailPart on Request {
              id
              name
              title
              purpose
              state
              stateSince
              revision
              planHash
              cpuHoursBand
              owner {
                username
              }
              campaign {
                id
                name
              }
              asks {
                kind
                dataset
                files
                events
                softwareVersion
              }
              waitingOn {
                rule
                isTest
                reason
                isTurn
              }
              decisions {
                id
                kind
                at
                comment
                withdrawnAt
                changedSince
                person {
                  username
                }
                behalfOf {
                  username
                }
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "input": input,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="CreateRequest", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return CreateRequest.model_validate(data)

    async def submit_request(
        self,
        id: str,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "SubmitRequest":
        from .submit_request import SubmitRequest

        query = gql("""
            mutation SubmitRequest($id: ID!, $idempotencyKey: String) {
              submitRequest(id: $id, idempotencyKey: $idempotencyKey) {
                __typename
                ...RequestDetailPart
                ...Said
                ... on InvalidRequest {
                  findings {
                    path
                    message
                  }
                }
              }
            }

            fragment RequestDetailPart on Request {
              id
              name
              title
              purpose
              state
              stateSince
              revision
              planHash
              cpuHoursBand
              owner {
                username
              }
              campaign {
                id
                name
              }
              asks {
                kind
                dataset
                files
                events
                softwareVersion
              }
              waitingOn {
                rule
                isTest
                reason
                isTurn
              }
              decisions {
                id
                kind
                at
                comment
                withdrawnAt
                changedSince
                person {
                  username
                }
                behalfOf {
                  username
                }
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {"id": id, "idempotencyKey": idempotency_key}
        response = await self.execute(
            query=query, operation_name="SubmitRequest", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return SubmitRequest.model_validate(data)

    async def approve_request(
        self,
        input: "ApproveRequestInput",
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "ApproveRequest":
        from .approve_request import ApproveRequest

        query = gql("""
            mutation ApproveRequest($input: ApproveRequestInput!, $idempotencyKey: String) {
              approveRequest(input: $input, idempotencyKey: $idempotencyKey) {
                __typename
                ...RequestDetailPart
                ...Said
              }
            }

            fragment RequestDetailPart on Request {
              id
              name
              title
              purpose
              state
              stateSince
              revision
              planHash
              cpuHoursBand
              owner {
                username
              }
              campaign {
                id
                name
              }
              asks {
                kind
                dataset
                files
                events
                softwareVersion
              }
              waitingOn {
                rule
                isTest
                reason
                isTurn
              }
              decisions {
                id
                kind
                at
                comment
                withdrawnAt
                changedSince
                person {
                  username
                }
                behalfOf {
                  username
                }
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "input": input,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="ApproveRequest", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return ApproveRequest.model_validate(data)

    async def return_request(
        self,
        id: str,
        reason: str,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "ReturnRequest":
        from .return_request import ReturnRequest

        query = gql("""
            mutation ReturnRequest($id: ID!, $reason: String!, $idempotencyKey: String) {
              returnRequest(id: $id, reason: $reason, idempotencyKey: $idempotencyKey) {
                __typename
                ...RequestDetailPart
                ...Said
              }
            }

            fragment RequestDetailPart on Request {
              id
              name
              title
              purpose
              state
              stateSince
              revision
              planHash
              cpuHoursBand
              owner {
                username
              }
              campaign {
                id
                name
              }
              asks {
                kind
                dataset
                files
                events
                softwareVersion
              }
              waitingOn {
                rule
                isTest
                reason
                isTurn
              }
              decisions {
                id
                kind
                at
                comment
                withdrawnAt
                changedSince
                person {
                  username
                }
                behalfOf {
                  username
                }
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "reason": reason,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="ReturnRequest", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return ReturnRequest.model_validate(data)

    async def reject_request(
        self,
        id: str,
        reason: str,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "RejectRequest":
        from .reject_request import RejectRequest

        query = gql("""
            mutation RejectRequest($id: ID!, $reason: String!, $idempotencyKey: String) {
              rejectRequest(id: $id, reason: $reason, idempotencyKey: $idempotencyKey) {
                __typename
                ...RequestDetailPart
                ...Said
              }
            }

            fragment RequestDetailPart on Request {
              id
              name
              title
              purpose
              state
              stateSince
              revision
              planHash
              cpuHoursBand
              owner {
                username
              }
              campaign {
                id
                name
              }
              asks {
                kind
                dataset
                files
                events
                softwareVersion
              }
              waitingOn {
                rule
                isTest
                reason
                isTurn
              }
              decisions {
                id
                kind
                at
                comment
                withdrawnAt
                changedSince
                person {
                  username
                }
                behalfOf {
                  username
                }
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "reason": reason,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="RejectRequest", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return RejectRequest.model_validate(data)

    async def withdraw_decision(
        self,
        id: str,
        reason: str,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "WithdrawDecision":
        from .withdraw_decision import WithdrawDecision

        query = gql("""
            mutation WithdrawDecision($id: ID!, $reason: String!, $idempotencyKey: String) {
              withdrawDecision(id: $id, reason: $reason, idempotencyKey: $idempotencyKey) {
                __typename
                ...RequestDetailPart
                ...Said
              }
            }

            fragment RequestDetailPart on Request {
              id
              name
              title
              purpose
              state
              stateSince
              revision
              planHash
              cpuHoursBand
              owner {
                username
              }
              campaign {
                id
                name
              }
              asks {
                kind
                dataset
                files
                events
                softwareVersion
              }
              waitingOn {
                rule
                isTest
                reason
                isTurn
              }
              decisions {
                id
                kind
                at
                comment
                withdrawnAt
                changedSince
                person {
                  username
                }
                behalfOf {
                  username
                }
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "reason": reason,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query,
            operation_name="WithdrawDecision",
            variables=variables,
            **kwargs,
        )
        data = self.get_data(response)
        return WithdrawDecision.model_validate(data)

    async def cancel_request(
        self,
        id: str,
        reason: str,
        idempotency_key: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> "CancelRequest":
        from .cancel_request import CancelRequest

        query = gql("""
            mutation CancelRequest($id: ID!, $reason: String!, $idempotencyKey: String) {
              cancelRequest(id: $id, reason: $reason, idempotencyKey: $idempotencyKey) {
                __typename
                ...RequestDetailPart
                ...Said
              }
            }

            fragment RequestDetailPart on Request {
              id
              name
              title
              purpose
              state
              stateSince
              revision
              planHash
              cpuHoursBand
              owner {
                username
              }
              campaign {
                id
                name
              }
              asks {
                kind
                dataset
                files
                events
                softwareVersion
              }
              waitingOn {
                rule
                isTest
                reason
                isTurn
              }
              decisions {
                id
                kind
                at
                comment
                withdrawnAt
                changedSince
                person {
                  username
                }
                behalfOf {
                  username
                }
              }
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "reason": reason,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="CancelRequest", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return CancelRequest.model_validate(data)

    async def watch_changes(
        self,
        filter_: Union[Optional["ChangesFilter"], "UnsetType"] = UNSET,
        after: Union[Optional[str], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> AsyncIterator["WatchChanges"]:
        from .watch_changes import WatchChanges

        query = gql("""
            subscription WatchChanges($filter: ChangesFilter, $after: String) {
              changes(filter: $filter, after: $after) {
                __typename
                ...ChangePart
                ...ActionChangePart
                ...BatchAllowanceChangePart
                ...BatchSystemChangePart
                ...CampaignChangePart
                ...CredentialChangePart
                ...CursorChangePart
                ...CatalogChangePart
                ...DatasetChangePart
                ...DatasetListingChangePart
                ...DiscrepancyChangePart
                ...ExperimentChangePart
                ...ApprovalRulesChangePart
                ...RequestChangePart
                ...FoldersChangePart
                ...LinksChangePart
                ...SummariesChangePart
                ...SummaryChangePart
                ...HandOverChangePart
                ...JobTypeChangePart
                ...UploadChangePart
                ...ServiceTokenChangePart
                ...InputsChangePart
                ...JobsChangePart
                ...LaunchHoldChangePart
                ...LaunchHostChangePart
                ...LaunchLimitsChangePart
                ...LoginSetupChangePart
                ...MembershipChangePart
                ...PriorityChangePart
                ...ScheduleChangePart
                ...SilenceChangePart
                ...SubmissionChangePart
                ... on Heartbeat {
                  cursor
                }
                ... on CursorExpired {
                  oldest
                }
                ... on CursorFromAnotherHistory {
                  head
                }
                ...Said
              }
            }

            fragment ActionChangePart on ActionChange {
              verb
              resultMessage
            }

            fragment ApprovalRulesChangePart on ApprovalRulesChange {
              rules
            }

            fragment BatchAllowanceChangePart on BatchAllowanceChange {
              batchSystem
              partitions
              accounts
              qos
              accountingGroup
            }

            fragment BatchSystemChangePart on BatchSystemChange {
              batchSystem
              text
            }

            fragment CampaignChangePart on CampaignChange {
              name
              revision
              active
              draft
              tags
            }

            fragment CatalogChangePart on CatalogChange {
              name
              text
            }

            fragment ChangePart on Change {
              cursor
              kind
              at
              actor {
                id
                username
              }
              part
              reason
              experimentId
              campaignId
              submissionId
              subjectId
            }

            fragment CredentialChangePart on CredentialChange {
              name
              expiresAt
            }

            fragment CursorChangePart on CursorChange {
              isTest
              epoch
              position
            }

            fragment DatasetChangePart on DatasetChange {
              name
              addedCount
              fileCount
            }

            fragment DatasetListingChangePart on DatasetListingChange {
              name
              listingState
              text
              freshCount
              goneCount
              differingCount
            }

            fragment DiscrepancyChangePart on DiscrepancyChange {
              discrepancyKind
              batchSystem
              nativeId
              details
              repair
            }

            fragment ExperimentChangePart on ExperimentChange {
              name
            }

            fragment FoldersChangePart on FoldersChange {
              folders
            }

            fragment HandOverChangePart on HandOverChange {
              name
              fromPersonId
              toPersonId
            }

            fragment InputsChangePart on InputsChange {
              waivedCount
            }

            fragment JobTypeChangePart on JobTypeChange {
              name
              version
            }

            fragment JobsChangePart on JobsChange {
              idle
              running
              held
              unknown
              succeeded
              failed
              removed
            }

            fragment LaunchHoldChangePart on LaunchHoldChange {
              heldStageId
            }

            fragment LaunchHostChangePart on LaunchHostChange {
              name
            }

            fragment LaunchLimitsChangePart on LaunchLimitsChange {
              mostUnfinished
              mostJobs
            }

            fragment LinksChangePart on LinksChange {
              ...ChangePart
              links
            }

            fragment LoginSetupChangePart on LoginSetupChange {
              name
              version
            }

            fragment MembershipChangePart on MembershipChange {
              role
            }

            fragment PriorityChangePart on PriorityChange {
              priority
            }

            fragment RequestChangePart on RequestChange {
              number
              title
              revision
            }

            fragment Said on Problem {
              message
            }

            fragment ScheduleChangePart on ScheduleChange {
              personId
            }

            fragment ServiceTokenChangePart on ServiceTokenChange {
              name
            }

            fragment SilenceChangePart on SilenceChange {
              revision
            }

            fragment SubmissionChangePart on SubmissionChange {
              revision
              state
              stageId
              isTest
              jobsTotal
              jobsIdle
              jobsRunning
              jobsHeld
              jobsSucceeded
              jobsFailed
              jobsRemoved
              filesTotal
              filesDone
              filesFailed
              outputsDeclared
              outputsLocated
            }

            fragment SummariesChangePart on SummariesChange {
              ...ChangePart
              summaries
            }

            fragment SummaryChangePart on SummaryChange {
              ...ChangePart
              title
              value
            }

            fragment UploadChangePart on UploadChange {
              name
            }
            """)
        variables: dict[str, object] = {"filter": filter_, "after": after}
        async for data in self.execute_ws(
            query=query, operation_name="WatchChanges", variables=variables, **kwargs
        ):
            yield WatchChanges.model_validate(data)

    async def watch_progress(
        self,
        id: str,
        is_test: Union[Optional[bool], "UnsetType"] = UNSET,
        **kwargs: Any,
    ) -> AsyncIterator["WatchProgress"]:
        from .watch_progress import WatchProgress

        query = gql("""
            subscription WatchProgress($id: ID!, $isTest: Boolean = false) {
              campaignProgress(id: $id, isTest: $isTest) {
                __typename
                ...ProgressPart
                ...Said
              }
            }

            fragment AccountPart on Account {
              verdict
              given
              done {
                count
                percent
              }
              inWork {
                count
                percent
              }
              waiting {
                count
                percent
              }
              owed {
                count
                percent
              }
              lost {
                count
                percent
              }
              waived {
                count
                percent
              }
              notLaunched
              launches
              launchesLocated {
                count
                percent
              }
              outputs
              outputsLocated {
                count
                percent
              }
              outputsDeclared {
                count
                percent
              }
              outputsLost {
                count
                percent
              }
              outputsRefused {
                count
                percent
              }
              eventsLocated
            }

            fragment ProgressPart on CampaignProgress {
              account {
                ...AccountPart
              }
              stages {
                ...StagePart
              }
            }

            fragment Said on Problem {
              message
            }

            fragment StagePart on StageProgress {
              stageId
              name
              slices
              submissionsTotal
              submissions {
                state
                count
              }
              jobsTotal
              jobsIdle
              jobsRunning
              jobsHeld
              jobsSucceeded
              jobsFailed
              jobsRemoved
              filesWaiting
              filesDelivered
              filesConsumed
              filesSkipped
              filesDone
              filesFailed
              outputsDeclared
              outputsLocated
              outputsSuperseded
              outputsRefused
              eventsLocated
              cpuEfficiency
              wallEfficiency
              memoryEfficiency
              account {
                ...AccountPart
              }
            }
            """)
        variables: dict[str, object] = {"id": id, "isTest": is_test}
        async for data in self.execute_ws(
            query=query, operation_name="WatchProgress", variables=variables, **kwargs
        ):
            yield WatchProgress.model_validate(data)

    async def watch_output(
        self, id: str, after: Union[Optional[str], "UnsetType"] = UNSET, **kwargs: Any
    ) -> AsyncIterator["WatchOutput"]:
        from .watch_output import WatchOutput

        query = gql("""
            subscription WatchOutput($id: ID!, $after: String) {
              launchOutput(id: $id, after: $after) {
                __typename
                ...OutputPart
                ...Said
              }
            }

            fragment OutputPart on LaunchOutput {
              cursor
              attempt
              text
              at
            }

            fragment Said on Problem {
              message
            }
            """)
        variables: dict[str, object] = {"id": id, "after": after}
        async for data in self.execute_ws(
            query=query, operation_name="WatchOutput", variables=variables, **kwargs
        ):
            yield WatchOutput.model_validate(data)
