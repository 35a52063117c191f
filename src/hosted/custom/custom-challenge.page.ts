import type { CustomState } from '../../domain/custom-auth/custom-sign-in.ts'
import type { Alert, Field } from '../../platform/views/page-parts.ts'
import type { HostedServices } from '../hosted-services.ts'
import { formOf, pageRequest, showPage } from '../render.ts'
import { pageUrl } from '../step.ts'
import type { Step } from '../step.ts'

/** Longer ones are for other places than a page. */
const maximumTextLength = 1000

/**
 * A question of the pool's own triggers. Of `publicChallengeParameters` the page shows `prompt` (or `question`), `label`, an image
 * (`image`, or `captchaUrl`) with its `imageText`, and takes the kind of field from `inputType`: `text`, `numeric` or `password`.
 */
export function showCustomChallengePage(
  services: HostedServices,
  step: Step,
  { idHash, state: { session, publicParameters: shown } }: { idHash: string; state: CustomState },
  problem: { error?: string; alert?: Alert } = {},
): void {
  const { locale } = step
  const first = (...names: string[]): string | undefined =>
    names.map((name) => shown[name]?.trim()).find((value) => value !== undefined && value !== '')
  const text = (...names: string[]): string | undefined => first(...names)?.slice(0, maximumTextLength)
  const image = imageIn(first('image', 'captchaUrl'))
  const isWrong = session.at(-1)?.challengeName === 'CUSTOM_CHALLENGE' && session.at(-1)?.challengeResult === false
  const error = problem.error ?? (isWrong ? locale.text('customChallenge.wrong') : undefined)
  const field: Field = {
    name: 'answer',
    label: text('label') ?? locale.text('customChallenge.answer'),
    value: '',
    required: true,
    ...(fieldKinds[text('inputType') ?? ''] ?? plain),
    ...(error === undefined ? {} : { error }),
  }
  showPage(
    services,
    { ...pageRequest(step), ...(image === undefined ? {} : { imageUrl: image }) },
    'pages/custom-challenge',
    'customChallenge',
    {
      form: formOf(services, step, 'customChallenge'),
      question: idHash,
      prompt: text('prompt', 'question') ?? locale.text('customChallenge.intro'),
      ...(image === undefined ? {} : { image: { url: image, text: text('imageText') ?? '' } }),
      field,
      links: { login: pageUrl(step, 'login') },
      alert: problem.alert,
    },
  )
}

const plain = { type: 'text', autocomplete: 'off' } as const
const fieldKinds: Readonly<Record<string, Pick<Field, 'type' | 'autocomplete' | 'inputmode'>>> = {
  numeric: { type: 'text', autocomplete: 'one-time-code', inputmode: 'numeric' },
  password: { type: 'password', autocomplete: 'off' },
}

/** Nothing but a picture, whatever a trigger says. */
const imageIn = (url: string | undefined): string | undefined =>
  url !== undefined && /^(https:\/\/|data:image\/(png|jpeg|gif|webp|svg\+xml)[;,])/i.test(url) && URL.canParse(url)
    ? url
    : undefined
