/*
 * Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License. You may obtain
 * a copy of the License at
 *
 *    http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
 * WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
 * License for the specific language governing permissions and limitations
 * under the License.
 */
(function () {
  'use strict';

  angular
    .module('horizon.dashboard.project.instance-images')
    .factory('horizon.dashboard.project.instance-images.images', imagesService);

  imagesService.$inject = [
    'horizon.app.core.openstack-service-api.serviceCatalog',
    'horizon.framework.util.http.service',
    'horizon.framework.widgets.toast.service'
  ];

  /**
   * The available images of the account, as the API lists them.
   */
  function imagesService(serviceCatalog, http, toast) {
    return {available: available};

    /**
     * Return a promise of the images. It is rejected without a word where the cloud has no such
     * service, and with a message to the user where the service does not answer.
     */
    function available() {
      return serviceCatalog.ifTypeEnabled('instance-images').then(function () {
        return http.get('/api/instance-images/images/').then(onAnswer, onError);
      });
    }

    function onAnswer(answer) {
      return answer.data.items;
    }

    function onError() {
      toast.add('error', gettext('Unable to retrieve My Images.'));
      throw new Error('no images');
    }
  }

})();
