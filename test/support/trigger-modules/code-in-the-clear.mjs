export const handler = async ({ request }) => {
  throw new Error(/^\d{6}$/.test(request.code) ? 'six digits' : 'something else')
}
