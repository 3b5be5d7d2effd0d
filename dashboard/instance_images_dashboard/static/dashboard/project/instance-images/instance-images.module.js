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

  /**
   * The boot source *My Images* in the wizard that launches an instance.
   *
   * Horizon has no hook for it: the sources are private to the controller of the wizard's step. To
   * Horizon ours is an instance snapshot, and only its list and its label differ. Two things are
   * changed: the step's controller is wrapped, and its template tells ours from Horizon's own
   * snapshots. If one of them is not as expected, the wizard stays as Horizon has made it, and the
   * console says so.
   */
  var wizard = 'horizon.dashboard.project.workflow.launch-instance';
  var controllerName = 'LaunchInstanceSourceController';
  var templatePath = /launch-instance\/source\/source\.html$/;
  var trackedByType = 'track by src.type';
  var trackedByTypeAndOwner = 'track by src.type + (src.isMyImages ? \' my-images\' : \'\')';

  angular
    .module('horizon.dashboard.project.instance-images', [wizard])
    .value('horizon.dashboard.project.instance-images.wizard', {original: null, isTold: false})
    .config(wrapController)
    .config(decorateTemplates)
    .run(keepOriginal);

  wrapController.$inject = ['$controllerProvider'];

  function wrapController($controllerProvider) {
    if (originalController()) {
      $controllerProvider.register(controllerName, [
        '$scope', '$controller',
        function ($scope, $controller) {
          return $controller('InstanceImagesSourceController', {$scope: $scope});
        }
      ]);
    }
  }

  function originalController() {
    var found = angular.module(wizard)._invokeQueue.filter(function (call) {
      return call[0] === '$controllerProvider' && call[2][0] === controllerName;
    });
    return found.length === 1 ? found[0][2][1] : null;
  }

  decorateTemplates.$inject = ['$provide'];

  function decorateTemplates($provide) {
    $provide.decorator('$templateRequest', [
      '$delegate', '$injector',
      function ($delegate, $injector) {
        return angular.extend(request, $delegate);

        function request(template) {
          var answer = $delegate.apply(this, arguments);
          if (!angular.isString(template) || !templatePath.test(template)) {
            return answer;
          }
          return answer.then(function (content) {
            $injector.get('horizon.dashboard.project.instance-images.wizard').isTold =
              content.indexOf(trackedByType) >= 0;
            return content.replace(trackedByType, trackedByTypeAndOwner);
          });
        }
      }
    ]);
  }

  keepOriginal.$inject = ['$log', 'horizon.dashboard.project.instance-images.wizard'];

  function keepOriginal($log, found) {
    found.original = originalController();
    if (!found.original) {
      $log.warn('My Images is not among the boot sources: Horizon has no ' + controllerName + '.');
    }
  }

})();
