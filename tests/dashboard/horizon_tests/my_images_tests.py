"""My Images, against a service that answers over HTTP."""

from django.urls import reverse

from horizon_tests.service import ServiceTestCase, image

INDEX = "horizon:project:my_images:index"


class MyImagesTests(ServiceTestCase):
    """The tab Images."""

    def test_page_shows_the_images_with_their_cost_and_asks_once(self) -> None:
        self.serves(image(), image(id="1" * 8 + "-1111-4111-8111-111111111112", name="<b>x</b>"))

        answer = self.client.get(reverse(INDEX))

        self.assertContains(answer, "golden")
        self.assertContains(answer, "2.50 GB")
        self.assertContains(answer, "0.12 EUR")
        self.assertContains(answer, "&lt;b&gt;x&lt;/b&gt;")
        self.assertNotContains(answer, "<b>x</b>")
        self.assertEqual(self.service.asked(), [("GET", "/images"), ("GET", "/locations")])
